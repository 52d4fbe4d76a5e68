import * as fs from 'node:fs';
import * as path from 'node:path';

import { outputSteps } from './output-steps.ts';
import { parseServingConfig, type ServingConfig } from './serving-config.ts';
import type { InputStep, ModelEdges, Processing } from './steps.ts';
import { tableInput } from './table-input.ts';
import { textInput } from './text-input.ts';

/**
 * The processing that `serving.yaml` declares for a model: `X.serving.yaml` beside `X.onnx`, or `serving.yaml` in a
 * folder that holds no other model.
 *
 * @throws MlopsError `bad_config` when it does not fit the model.
 */
export async function loadProcessing(modelFile: string, edges: ModelEdges): Promise<Processing | undefined> {
  const file = configFile(modelFile);
  if (file === undefined) return undefined;
  return read(file, edges);
}

/**
 * Reads a `serving.yaml` as serving does. Returns the files beside it that it names.
 *
 * @throws MlopsError `bad_config` when it does not fit the model, `model_broken` when it is no YAML.
 */
export async function checkServing(file: string, edges: ModelEdges): Promise<string[]> {
  await read(file, edges);
  const { text } = await parseServingConfig(fs.readFileSync(file, 'utf8'), file);
  if (text === undefined) return [];
  const beside = [text.tokenizer, 'tokenizer_config.json'].map((name) => path.join(path.dirname(file), name));
  return beside.filter((name) => fs.existsSync(name));
}

async function read(file: string, edges: ModelEdges): Promise<Processing> {
  const config = await parseServingConfig(fs.readFileSync(file, 'utf8'), file);
  return {
    input: await inputStep(config, file, edges),
    output: config.outputs.length === 0 ? undefined : outputSteps(config, file, edges),
    batching: config.batching,
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
