/** What a filter compares: a namespace and a key in it. */
export type Entity = 'metric' | 'param' | 'tag' | 'attribute' | 'dataset' | 'span' | 'feedback' | 'expectation';

export type Comparator =
  | '='
  | '!='
  | '>'
  | '>='
  | '<'
  | '<='
  | 'LIKE'
  | 'ILIKE'
  | 'RLIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL';

/** One comparison of a filter; a filter is the conjunction of its clauses. */
export interface Clause {
  readonly entity: Entity;
  readonly key: string;
  readonly comparator: Comparator;
  /** A number for numeric fields, a list for IN, null for IS NULL, text otherwise. */
  readonly value: number | string | readonly string[] | null;
}

export interface OrderTerm {
  readonly entity: Entity;
  readonly key: string;
  readonly ascending: boolean;
  /** Only metrics that were computed on this dataset (logged models). */
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
}
