/** An alert as it is kept: what it says is the business of who keeps it. */
export interface StoredAlert {
  readonly id: string;
  /** `pending` and `firing` ones are open, all others are history. */
  readonly state: string;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
  readonly body: string;
}

/** What is to be kept quiet, and until when. */
export interface StoredSilence {
  readonly id: string;
  readonly until: number;
  readonly body: string;
}

/** Port: alerts and silences of the projects that share a store. */
export interface AlertStore {
  /** All open ones and the newest of the others, the last changed first. */
  listAlerts(project: string): Promise<readonly StoredAlert[]>;
  /** Keeps these, and forgets others: in one piece. History beyond the newest 1,000 is forgotten too. */
  changeAlerts(
    project: string,
    change: { readonly put: readonly StoredAlert[]; readonly forget: readonly string[] },
  ): Promise<void>;
  /** Those that are not over. */
  listSilences(project: string, now: number): Promise<readonly StoredSilence[]>;
  putSilence(project: string, silence: StoredSilence): Promise<void>;
  /** @returns whether it was there. */
  forgetSilence(project: string, id: string): Promise<boolean>;
}
