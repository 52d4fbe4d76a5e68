import * as fs from 'node:fs';
import * as path from 'node:path';

import type { TensorInfo } from '../../model/index.ts';
import type { Json } from '../wire/json-reader.ts';
import { outputSteps } from './output-steps.ts';
import { parseServingConfig, type ServingConfig } from './serving-config.ts';
import { tableInput } from './table-input.ts';
import type { Tensors } from '../wire/tensor.ts';
import { textInput } from './text-input.ts';

/** Port: how raw inputs of a request become tensors. Kinds: table, text; images and ensembles come as further kinds. */
export interface InputStep {
  readonly kind: string;
  /** Raw rows (`inputs`, `instances` or the names at the top level of a request). @throws MlopsError `invalid_input`. */
  read(inputs: Json): Tensors;
  /** Raw inputs for the documentation's example. */
  example(): Json;
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
  apply(outputs: Tensors, feeds: Tensors): Processed;
}

export interface Processing {
  readonly input: InputStep | undefined;
  readonly output: OutputSteps | undefined;
}

export interface ModelEdges {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
}

/**
 * The processing that `serving.yaml` declares for a model: `X.serving.yaml` beside `X.onnx`, or `serving.yaml` in a
 * folder that holds no other model.
 *
 * @throws MlopsError `bad_config` when it does not fit the model.
 */
export async function loadProcessing(modelFile: string, edges: ModelEdges): Promise<Processing | undefined> {
  const file = configFile(modelFile);
  if (file === undefined) return undefined;
  const config = await parseServingConfig(fs.readFileSync(file, 'utf8'), file);
  return {
    input: await inputStep(config, file, edges),
    output: config.outputs.length === 0 ? undefined : outputSteps(config, file, edges),
  };
}

function configFile(modelFile: string): string | undefined {
  const own = modelFile.replace(/\.onnx$/i, '.serving.yaml');
  if (own !== modelFile && fs.existsSync(own)) return own;
  const shared = path.join(path.dirname(modelFile), 'serving.yaml');
  if (!fs.existsSync(shared)) return undefined;
  const models = fs.readdirSync(path.dirname(modelFile)).filter((name) => /\.onnx$/i.test(name));
  return models.length === 1 ? shared : undefined;
}

async function inputStep(config: ServingConfig, file: string, edges: ModelEdges): Promise<InputStep | undefined> {
  if (config.columns !== undefined) return tableInput(config.columns, file, edges.inputs);
  return config.text === undefined ? undefined : textInput(config.text, file, edges.inputs);
}
