import type { ModelVersion, Stage } from '../../mlflow/index.ts';

export type GateKind =
  | 'metrics'
  | 'not_worse'
  | 'slices'
  | 'size_mb'
  | 'latency_ms'
  | 'required'
  | 'drift'
  | 'data'
  | 'code'
  | 'model';

/** What became of one gate; the keys are those of the JSON. */
export interface GateResult {
  readonly gate: GateKind;
  /** What it is about: `accuracy`, `accuracy where sex=f`, a file, a command. */
  readonly name: string;
  readonly passed: boolean;
  readonly expected: string;
  readonly found: string;
  /** True where there was nothing to judge by. */
  readonly skipped?: boolean;
  readonly details?: unknown;
}

/** The gates of a stage for a version. */
export interface ModelCheck {
  readonly model: string;
  readonly version: string;
  readonly stage: Stage;
  readonly success: boolean;
  /** SHA-256 of gates.yaml. */
  readonly gates_hash: string;
  /** ISO 8601. */
  readonly checked_at: string;
  readonly gates: readonly GateResult[];
}

/** What is recorded on a version, as the value of `gateTag(stage)`. */
export interface GateRecord {
  readonly passed: boolean;
  readonly stage: Stage;
  readonly version: string;
  readonly gates: string;
  readonly at: string;
  readonly failed: readonly string[];
  /** Why it may go there although gates failed. */
  readonly override?: string;
}

export function recordOf(check: ModelCheck, override?: string): GateRecord {
  return {
    passed: check.success,
    stage: check.stage,
    version: check.version,
    gates: check.gates_hash,
    at: check.checked_at,
    failed: failedNames(check.gates).slice(0, 50),
    ...(override === undefined ? {} : { override }),
  };
}

export function failedNames(gates: readonly GateResult[]): string[] {
  return gates.filter((gate) => !gate.passed).map(({ gate, name }) => `${gate} ${name}`);
}

export function uriOf({ name, version }: Pick<ModelVersion, 'name' | 'version'>): string {
  return `models:/${name}/${version}`;
}
