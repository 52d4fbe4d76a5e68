/** A change of the rule that divides the requests for a model, as it is kept: what it says is the business of who keeps it. */
export interface TrafficChange {
  /** Grows with each change in the store. */
  readonly n: number;
  readonly model: string;
  /** `set`, `clear`, `step`... */
  readonly kind: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
  readonly why: string;
  /** Undefined: no rule holds any more. */
  readonly body: string | undefined;
}

/** What one process has counted under a rule. */
export interface TrafficCounts {
  /** The number of the change that set the rule. */
  readonly rule: number;
  readonly holder: string;
  readonly body: string;
}

/** Port: the rules of all models that share a store. Changes are only added, so that they are their own history. */
export interface TrafficStore {
  /** The number of the newest change of any model; 0 without one. */
  lastChange(): Promise<number>;
  /** The newest change of each model. */
  listRules(): Promise<readonly TrafficChange[]>;
  /** All changes of a model, the oldest first. */
  history(model: string): Promise<readonly TrafficChange[]>;
  /**
   * Adds a change.
   *
   * @param seen the number of the newest change of the model that the caller knows, 0 for none.
   * @returns undefined where the newest is another one; nothing is added then.
   */
  change(change: Omit<TrafficChange, 'n'>, seen?: number): Promise<TrafficChange | undefined>;
  /** Keeps these in place of what the holder counted before. */
  putCounts(counts: readonly TrafficCounts[]): Promise<void>;
  /** Of all holders. */
  listCounts(rule: number): Promise<readonly TrafficCounts[]>;
}
