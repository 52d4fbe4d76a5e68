/** What is to be delivered. */
export interface NewLetter {
  /** The same at every attempt, so that a receiver can tell repetitions. A letter of a known id is not kept again. */
  readonly id: string;
  /** Which courier carries it: `webhook`, `alert`. */
  readonly kind: string;
  /** Whom it is for, in the courier's words. */
  readonly target: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

export interface Letter extends NewLetter {
  /** How often it was taken out, this time included. */
  readonly attempts: number;
}

export interface Claim {
  readonly kinds: readonly string[];
  /** Who takes them: unique to a process. */
  readonly holder: string;
  /** How long they are the holder's before anybody may take them again, in milliseconds. */
  readonly lease: number;
  readonly limit: number;
  /** Targets that have enough under way. */
  readonly except: readonly string[];
}

/**
 * Port: letters that wait to be delivered, kept until somebody answers for them. Who claims one holds it for a while
 * and renews that; when the holder dies it is due again. So each is delivered at least once, and a second time only
 * when its holder died or could not say that it was done. Kinds: those of the tracking store.
 */
export interface Outbox {
  /** Durable when it resolves. */
  post(letters: readonly NewLetter[]): Promise<void>;
  /** Whether any letter of these kinds waits that nobody holds. */
  isDue(kinds: readonly string[]): Promise<boolean>;
  /** Takes letters that are due, the longest waiting first. */
  claim(claim: Claim): Promise<readonly Letter[]>;
  /** Holds on to letters. */
  renew(ids: readonly string[], holder: string, lease: number): Promise<void>;
  /** Delivered, or given up: it is forgotten. */
  settle(id: string, holder: string): Promise<void>;
  /** Gives it back, due again after `delay` milliseconds. */
  postpone(id: string, holder: string, delay: number): Promise<void>;
}
