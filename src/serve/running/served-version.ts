import { createHash } from 'node:crypto';
import * as fs from 'node:fs';

import type { MlModel, TensorInfo } from '../../model/index.ts';
import {
  servableInputs,
  servableOutputs,
  unservableInput,
  unservableOutput,
  type OnnxModel,
} from '../../model/index.ts';
import { MlopsError } from '../../base/index.ts';
import type { ModelRef } from '../models/model-source.ts';
import type { PythonFacts } from '../python/python-model.ts';
import type { EnsembleConfig } from '../processing/ensemble-config.ts';
import type { Processing } from '../processing/steps.ts';
import type { LoadedInfo } from './worker-messages.ts';

/** What reading requests to a version and writing its answers needs to know of it, in whatever thread that is done. */
export interface VersionFacts {
  readonly ref: ModelRef;
  /** A number that no other version of the process has. */
  readonly session: number;
  readonly onnx: Pick<OnnxModel, 'outputs' | 'classes'>;
  readonly md5: string;
  readonly inputs: readonly TensorInfo[];
  /** Inputs that a request may leave out. */
  readonly optional: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly outputNames: readonly string[];
  readonly labels: LabelPlan | undefined;
  readonly mlModel: MlModel | undefined;
  /** What serving.yaml declares. */
  readonly processing: Processing | undefined;
  /** Set for a model that Python runs. */
  readonly python?: PythonFacts | undefined;
}

/**
 * A model version that is loaded in the inference threads, as it was found when it was. What changes while it is served
 * is kept by who changes it: who holds it by the repository, what waits for it by the scheduler, counts by the ledger.
 */
export interface ServedVersion extends VersionFacts {
  readonly onnx: OnnxModel;
  readonly size: number;
  /** True when any input holds 64-bit integers: JSON must then be read without loss. */
  readonly exactIntegers: boolean;
  readonly loadedAt: Date;
  /** Set where there is no session but members. */
  readonly ensemble?: LoadedEnsemble | undefined;
  /** Why rows of different requests may not run together; undefined: they may. */
  readonly alone: string | undefined;
}

/** The members of an ensemble, loaded and held as long as it is; with the model that joins them, where one does. */
export interface LoadedEnsemble {
  readonly config: EnsembleConfig;
  readonly members: ReadonlyMap<string, ServedVersion>;
  readonly fusion: ServedVersion | undefined;
}

/** Where a row's label comes from: an output that is one, or the best column of scores with named classes. */
export interface LabelPlan {
  readonly output: string;
  readonly classes: readonly string[] | undefined;
}

type Parts = Pick<ServedVersion, 'session' | 'mlModel' | 'processing' | 'alone' | 'inputs' | 'outputs' | 'ensemble'>;

export function makeVersion(ref: ModelRef, parts: Parts, info: LoadedInfo): ServedVersion {
  const { inputs, outputs } = parts;
  return {
    ...parts,
    ref: { ...ref, md5: ref.md5 ?? info.md5 },
    onnx: info.onnx,
    md5: info.md5,
    size: info.size,
    optional: info.optional,
    outputNames: outputs.map((output) => output.name),
    exactIntegers: inputs.some((input) => input.dtype === 'int64' || input.dtype === 'uint64'),
    labels: planLabels(info.onnx, outputs),
    loadedAt: new Date(),
  };
}

let ensembles = 0;

/** A version without a session: its members run. */
export function ensembleVersion(
  ref: ModelRef,
  ensemble: LoadedEnsemble,
  processing: Processing,
  file: string,
): ServedVersion {
  const md5 = createHash('md5').update(fs.readFileSync(file)).digest('hex');
  const outputs = [{ name: 'probabilities', dtype: 'float32' as const, dims: ['N', 'classes'] }];
  ensembles++;
  return {
    ref: { ...ref, md5: ref.md5 ?? md5 },
    // No session of the threads has a negative number.
    session: -ensembles,
    onnx: noGraph,
    md5,
    size: 0,
    inputs: [],
    optional: [],
    outputs,
    outputNames: ['probabilities'],
    labels: undefined,
    mlModel: undefined,
    processing,
    ensemble,
    alone: 'its members run by themselves',
    exactIntegers: false,
    loadedAt: new Date(),
  };
}

/** What there is to say of the graph of a version that has none. */
export const noGraph: OnnxModel = {
  ...{ irVersion: 0, producer: '', producerVersion: '', domain: '', modelVersion: 0, docString: '', graphName: '' },
  ...{ opsets: [], metadata: new Map(), inputs: [], optional: [], outputs: [], externalFiles: [], classes: new Map() },
  hasZipMap: false,
};

/** @throws MlopsError `model_not_servable` when inputs or outputs are of a kind that the runtime cannot take. */
export function edgesOf(ref: ModelRef, { onnx }: LoadedInfo): Pick<ServedVersion, 'inputs' | 'outputs'> {
  const inputs = servableInputs(onnx);
  const outputs = servableOutputs(onnx);
  const bad = unservableInput(onnx) ?? unservableOutput(onnx);
  if (inputs !== undefined && outputs.length > 0 && bad === undefined) return { inputs, outputs };
  throw new MlopsError(
    'model_not_servable',
    `'${ref.name}': '${bad?.name ?? onnx.outputs[0]?.name}' has the type ${bad?.type ?? 'unknown'}, which cannot be served`,
    { hint: 'export the model with tensor inputs and outputs of a plain type' },
  );
}

function planLabels(onnx: OnnxModel, outputs: readonly TensorInfo[]): LabelPlan | undefined {
  const named = namedClasses(onnx);
  const label = outputs.find(
    ({ name, dims, dtype }) =>
      /^(output_)?label$|_label$/i.test(name) && (dtype === 'int64' || dtype === 'string') && dims?.length === 1,
  );
  // A label output that counts classes is named by them: 3 becomes 'virginica'.
  if (label !== undefined) return { output: label.name, classes: label.dtype === 'int64' ? named : undefined };
  const scores = outputs.find(({ name, dims, dtype }) => {
    const classes = onnx.classes.get(name)?.length ?? named?.length;
    return dtype === 'float32' && dims?.length === 2 && classes !== undefined && dims[1] === classes;
  });
  if (scores === undefined) return undefined;
  return { output: scores.name, classes: named ?? onnx.classes.get(scores.name)?.map(String) };
}

/** Class names in the model's metadata: a JSON list, a list by comma, or the object of numbers that YOLO writes. */
export function namedClasses(onnx: Pick<OnnxModel, 'metadata'>): readonly string[] | undefined {
  const key = ['classes', 'class_names', 'labels', 'names', 'id2label'].find((name) => onnx.metadata.has(name));
  const text = key === undefined ? undefined : onnx.metadata.get(key);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.map(String);
    if (typeof value === 'object' && value !== null) return Object.values(value).map(String);
  } catch {
    const pairs = [...text.matchAll(/\d{1,9}\s{0,9}:\s{0,9}['"]([^'"]*)['"]/g)].map((match) => match[1] ?? '');
    return pairs.length > 0 ? pairs : text.split(/[,\n]/).map((name) => name.trim());
  }
  return undefined;
}
