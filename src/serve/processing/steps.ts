import type { TensorInfo } from '../../model/index.ts';
import type { Json } from '../wire/json-reader.ts';
import type { ServingConfig } from './serving-config.ts';
import type { Tensors } from '../wire/tensor.ts';

/** Port: how raw inputs of a request become tensors. Kinds: table, text; images and ensembles come as further kinds. */
export interface InputStep {
  readonly kind: string;
  /** Names that a request gives values under. */
  readonly names: readonly string[];
  /** True for a name whose values are texts, also where they read as numbers. */
  holdsText(name: string): boolean;
  /** Raw rows (`inputs`, `instances` or the names at the top level of a request). @throws MlopsError `invalid_input`. */
  read(inputs: Json): Tensors;
  /** The inputs of the model that the values of a name go into. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  /** The rows as the client sent them, for the log; `feeds` is what they became. */
  rows(inputs: Json, feeds: Tensors): SentRows;
  /** A row as JSON Schema, for the documentation. */
  schema(): Readonly<Record<string, unknown>>;
  /** Raw inputs for the documentation's example. */
  example(): Json;
}

/** Rows by the names of their columns, each made when it is asked for. */
export interface SentRows {
  readonly count: number;
  readonly columns: number;
  readonly row: (index: number) => Readonly<Record<string, unknown>>;
}

/** What outputs are turned into: tensors in the answer, and facts beside them. */
export interface Processed {
  readonly outputs: Tensors;
  readonly labels: readonly string[] | undefined;
  /** Per row, best first. */
  readonly top: readonly (readonly { readonly label: string; readonly score: number }[])[] | undefined;
  readonly units: Readonly<Record<string, string>> | undefined;
}

/** Port: how tensors of the model become an answer. */
export interface OutputSteps {
  /** Outputs of the model that are needed. */
  readonly fetches: readonly string[];
  /** The output of the model that an answered one is made of. */
  readonly sources: ReadonlyMap<string, string>;
  /** The answered output that labels are made of, and the names of its scores. */
  readonly labelled: { readonly output: string; readonly classes: readonly string[] } | undefined;
  apply(outputs: Tensors, feeds: Tensors): Processed;
}

export interface Processing {
  readonly input: InputStep | undefined;
  readonly output: OutputSteps | undefined;
  /** Whether requests may share a run, where the user knows better than what is found out. */
  readonly batching: 'on' | 'off' | undefined;
  readonly recipe: ProcessingRecipe;
}

/** What processing is built from: data, which can be sent to another thread. */
export interface ProcessingRecipe {
  readonly config: ServingConfig;
  /** Where it stands, for messages. */
  readonly file: string;
  readonly edges: ModelEdges;
  readonly tokenizer: TokenizerFiles | undefined;
}

/** As they were when the model was loaded; in memory that threads share. */
export interface TokenizerFiles {
  readonly file: string;
  readonly tokenizer: Uint8Array;
  readonly config: Uint8Array | undefined;
}

export interface ModelEdges {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
}
