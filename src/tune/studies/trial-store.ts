/**
 * What a study says of itself. `ACTIVE`: somebody works on it, or did until it was killed; `STOPPING`: whoever works on
 * it is asked to end.
 */
export type StudyState = 'ACTIVE' | 'STOPPING' | 'STOPPED' | 'FINISHED';

export interface StudyRow {
  readonly name: string;
  /** What is searched and how, as JSON. */
  readonly spec: string;
  readonly state: StudyState;
  /** Why it stopped, for people. */
  readonly reason: string;
  /** Who works on it now, as JSON; empty when nobody does. */
  readonly owner: string;
  /** When one of them last said that it is there, in milliseconds. */
  readonly beat: number;
  /** The tracking run that holds the trials' runs; empty without one. */
  readonly runId: string;
  readonly createdAt: number;
}

export type StudyChange = Partial<Omit<StudyRow, 'name' | 'createdAt'>>;

export interface TrialRow {
  readonly number: number;
  readonly state: string;
  /** Of a complete, feasible trial with one objective: its value such that less is better. Null for all others. */
  readonly loss: number | null;
  /** Milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Params, values and everything else, as JSON. */
  readonly body: string;
}

/** How far a study is, without reading its trials. */
export interface StudySummary {
  /** Trials by state. */
  readonly counts: Readonly<Record<string, number>>;
  /** The trial with the least loss, the first one on ties. */
  readonly best: TrialRow | undefined;
  readonly running: readonly TrialRow[];
  readonly firstStart: number | undefined;
  readonly lastEnd: number | undefined;
}

/**
 * Port: where studies and their trials are kept. Kinds: memory here; SQLite, PostgreSQL and a server's in `tracking`.
 * Duties: each method is one transaction, durable when its promise resolves; a study that is absent throws
 * `resource_missing`.
 */
export interface TrialStore {
  /** @throws MlopsError `resource_exists`. */
  createStudy(study: StudyRow): Promise<void>;
  getStudy(name: string): Promise<StudyRow | undefined>;
  /** By name. */
  listStudies(): Promise<readonly StudyRow[]>;
  updateStudy(name: string, change: StudyChange): Promise<void>;
  /** Makes somebody the owner, where `seen` still is: of two that try at once, one gets false. */
  claimStudy(name: string, seen: string, owner: string, beat: number): Promise<boolean>;
  /** With its trials. */
  deleteStudy(name: string): Promise<void>;
  /** Writes trials, over those of the same number. */
  putTrials(name: string, trials: readonly TrialRow[]): Promise<void>;
  /**
   * Writes one trial where it still is what `seen` says, its state and body; undefined: where there is none of its
   * number. Of two that try at once, one gets false and has changed nothing.
   */
  swapTrial(name: string, trial: TrialRow, seen: TrialRow | undefined): Promise<boolean>;
  /** By number, `limit` at most. */
  listTrials(name: string, query?: { readonly from?: number; readonly limit?: number }): Promise<readonly TrialRow[]>;
  summary(name: string): Promise<StudySummary>;
}
