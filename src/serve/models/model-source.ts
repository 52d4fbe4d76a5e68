/** One servable version, resolved: what `open` needs and what answers carry. */
export interface ModelRef {
  /** Registered name, `NAME=` of the command line, or the stem of a file or folder. */
  readonly name: string;
  /** Registry version as a decimal string; for files and folders it counts from 1 with each change. */
  readonly version: string;
  /** What the user wrote: `models:/digits/Production`, `model.onnx`. */
  readonly uri: string;
  readonly runId?: string;
  /** md5 of the model file, when known. */
  readonly md5?: string;
  /** Changes with the content, where the version number alone does not tell: for files. */
  readonly fingerprint?: string;
  readonly stage?: string;
  readonly aliases?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** A model on the local disk, ready to load. `release` gives back temporary downloads. */
export interface OpenModel {
  readonly ref: ModelRef;
  /** Absolute path of the `.onnx` file; external data lies beside it. Of an ensemble its serving.yaml; its MLmodel for Python. */
  readonly file: string;
  /** Absolute path of the MLflow model folder, when there is one. */
  readonly folder: string | undefined;
  release(): Promise<void>;
}

/**
 * Port: where served models come from. Kinds: memory, folder; the registry kind lives in `app`.
 * Duties: `list` and `resolve` are cheap and never download; `open` checks what it downloads and throws
 * `model_broken` or `model_not_found`; `changes` yields whenever what an URI resolves to may have changed,
 * until the signal aborts.
 */
export interface ModelSource {
  readonly kind: string;
  list(): Promise<readonly ModelRef[]>;
  /** The version that a name and an optional version, stage or alias mean now. */
  resolve(name: string, selector?: string): Promise<ModelRef>;
  open(ref: ModelRef, signal?: AbortSignal): Promise<OpenModel>;
  changes(signal: AbortSignal): AsyncIterable<void>;
}
