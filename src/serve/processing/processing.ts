import * as fs from 'node:fs';
import * as path from 'node:path';

import { buildProcessing } from './recipe.ts';
import { parseServingConfig } from './serving-config.ts';
import type { ModelEdges, Processing } from './steps.ts';
import { readTokenizer } from './text-input.ts';

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
  const tokenizer = config.text === undefined ? undefined : readTokenizer(config.text, file);
  return buildProcessing({ config, file, edges, tokenizer });
}

function configFile(modelFile: string): string | undefined {
  const own = modelFile.replace(/\.onnx$/i, '.serving.yaml');
  if (own !== modelFile && fs.existsSync(own)) return own;
  const shared = path.join(path.dirname(modelFile), 'serving.yaml');
  if (!fs.existsSync(shared)) return undefined;
  const models = fs.readdirSync(path.dirname(modelFile)).filter((name) => /\.onnx$/i.test(name));
  return models.length === 1 ? shared : undefined;
}
