import type { TensorInfo } from '../../model/index.ts';
import type { PictureOptions, Placement } from '../../pictures/index.ts';
import type { FoundBox } from '../boxes/boxes.ts';
import type { Json, JsonObject } from '../wire/json-reader.ts';
import type { ServingConfig } from './serving-config.ts';
import type { Tensors } from '../wire/tensor.ts';

/** Files of a request by the name of their field; '' where the body is the file. */
export type PictureFiles = ReadonlyMap<string, readonly Uint8Array[]>;

/** Pictures of a request, a row each, that are still to be decoded for an input of the model. */
export interface GivenPictures {
  readonly input: string;
  readonly files: readonly Uint8Array[];
}

/** What a request to an ensemble holds, by key. */
export interface GivenValues {
  readonly values: JsonObject;
  readonly files: PictureFiles;
}

/** How an input of the model is made of pictures. */
export interface ImagePlan {
  /** The key of the pictures in a request. */
  readonly field: string;
  readonly input: TensorInfo;
  readonly options: PictureOptions;
  /** @throws MlopsError `invalid_input`, `bad_picture`. */
  read(inputs: Json, files?: PictureFiles): { readonly feeds: Tensors; readonly pictures: GivenPictures };
}

/** Port: how raw inputs of a request become tensors. Kinds: table, text, image. */
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
  /** Set where pictures are decoded first; `read` is then not called. */
  readonly image?: ImagePlan;
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
  /** Outputs that are no tensors, by name: a list of objects for each row. */
  readonly objects: Readonly<Record<string, readonly (readonly FoundBox[])[]>> | undefined;
}

/** Port: how tensors of the model become an answer. */
export interface OutputSteps {
  /** Outputs of the model that are needed. */
  readonly fetches: readonly string[];
  /** The output of the model that an answered one is made of. */
  readonly sources: ReadonlyMap<string, string>;
  /** The answered output that labels are made of, and the names of its scores. */
  readonly labelled: { readonly output: string; readonly classes: readonly string[] } | undefined;
  /** @param placements where the pictures of the rows lie in the input, in order. */
  apply(outputs: Tensors, feeds: Tensors, placements?: readonly Placement[]): Processed;
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
  /** Names of classes in the model's metadata, which count where serving.yaml has none. */
  readonly classNames?: readonly string[] | undefined;
}
