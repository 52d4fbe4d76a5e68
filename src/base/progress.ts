/**
 * What long work reports about itself. The terminal decides whether and how to show it; `total` may grow
 * while the work goes on (a walk that still finds files).
 */
export interface Progress {
  /** What is being done, in the progressive: `hashing data/images`. */
  readonly name: string;
  readonly unit: 'files' | 'bytes' | 'stages' | 'runs' | 'rows';
  readonly done: number;
  readonly total?: number;
}

export type OnProgress = (progress: Progress) => void;
