/**
 * What the pages in the browser ask, and what they are answered: only types, and no imports, so that the code of the
 * browser can share them. `openapi.ts` says the same to others. Times are milliseconds.
 */

/** Default the living ones. */
export type WireView = 'ACTIVE_ONLY' | 'DELETED_ONLY';

/** A column of the table of runs: `metrics.loss`, `params.lr`, `tags.team`. */
export type ColumnName = string;

/** A number as JSON can say it: NaN and the infinities as text. */
export type WireNumber = number | 'NaN' | 'Infinity' | '-Infinity';

export interface TableQuery {
  readonly experiment_ids: readonly string[];
  /** MLflow's grammar; words without a comparison search names. */
  readonly filter?: string | undefined;
  readonly order_by?: readonly string[] | undefined;
  readonly view?: WireView | undefined;
  /** Default: some that the newest runs have. */
  readonly columns?: readonly ColumnName[] | undefined;
  readonly max_results?: number | undefined;
  readonly page_token?: string | undefined;
}

export interface TableRow {
  readonly run_id: string;
  readonly experiment_id: string;
  readonly name: string;
  readonly status: string;
  readonly user: string;
  readonly start_time: number;
  readonly end_time?: number | undefined;
  readonly parent?: string | undefined;
  /** In the order of `columns`; null where the run has none. */
  readonly values: readonly (number | string | null)[];
}

/** What is wrong with a filter, and where: characters from `from` up to `to`. */
export interface FilterProblem {
  readonly message: string;
  readonly from: number;
  readonly to: number;
}

export interface TableAnswer {
  readonly columns: readonly ColumnName[];
  readonly rows: readonly TableRow[];
  readonly next_page_token?: string | undefined;
  readonly problem?: FilterProblem | undefined;
}

export interface ColumnsAnswer {
  /** How many runs there are; absent where they were not all counted. */
  readonly runs?: number | undefined;
  readonly metrics: readonly string[];
  readonly params: readonly string[];
  readonly tags: readonly string[];
}

export interface ExperimentRow {
  readonly experiment_id: string;
  readonly name: string;
  readonly deleted: boolean;
  readonly creation_time: number;
  readonly description: string;
  readonly tags: readonly WireTag[];
  readonly runs: number;
  readonly running: number;
  readonly last_start: number;
}

export interface WireTag {
  readonly key: string;
  readonly value: string;
}

export interface ExperimentsAnswer {
  readonly experiments: readonly ExperimentRow[];
  readonly next_page_token?: string | undefined;
}

export interface CurvesQuery {
  readonly run_ids: readonly string[];
  readonly keys: readonly string[];
  /** Points of each curve at most; more are thinned out over the steps. */
  readonly max_points?: number | undefined;
  readonly start_step?: number | undefined;
  readonly end_step?: number | undefined;
}

/** A history as columns, by step. */
export interface Curve {
  readonly run_id: string;
  readonly key: string;
  readonly steps: readonly number[];
  readonly times: readonly number[];
  readonly values: readonly WireNumber[];
}

export interface CurvesAnswer {
  readonly curves: readonly Curve[];
}

export interface Found {
  readonly kind: 'run' | 'experiment' | 'model';
  readonly id: string;
  readonly name: string;
  /** Of a run. */
  readonly experiment_id?: string | undefined;
}

export interface FindAnswer {
  readonly found: readonly Found[];
}

export interface TrailEntry {
  readonly version: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly at: number;
  readonly why: string;
}

export interface TrailAnswer {
  readonly trail: readonly TrailEntry[];
  /** Whether promotions need passed gates. */
  readonly gates_required: boolean;
}
