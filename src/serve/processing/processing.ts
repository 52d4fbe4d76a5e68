import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, messageOf, MlopsError } from '../../base/index.ts';
import { optionsOfPreprocessor } from '../../pictures/index.ts';
import type { EnsembleConfig } from './ensemble-config.ts';
import { imageOf } from './image-config.ts';
import { buildProcessing } from './recipe.ts';
import { parseServingConfig, type OutputConfig, type ServingConfig } from './serving-config.ts';
import type { ModelEdges, Processing } from './steps.ts';
import { readTokenizer } from './text-input.ts';

/**
 * The processing that `serving.yaml` declares for a model: `X.serving.yaml` beside `X.onnx`, or `serving.yaml` in a
 * folder that holds no other model. A `preprocessor_config.json` there says what becomes of pictures, where
 * `serving.yaml` does not.
 *
 * @throws MlopsError `bad_config` when it does not fit the model.
 */
export async function loadProcessing(modelFile: string, edges: ModelEdges): Promise<Processing | undefined> {
  const file = configFile(modelFile, 'serving.yaml');
  const config = file === undefined ? undefined : await readConfig(file);
  if (config !== undefined && file !== undefined && hasInput(config)) return build(config, file, edges);
  const fromOthers = await foreignProcessing(config ?? nothingSaid, modelFile, edges);
  if (fromOthers !== undefined) return fromOthers;
  return config === undefined || file === undefined ? undefined : build(config, file, edges);
}

/**
 * Reads a `serving.yaml` as serving does. Returns the files beside it that it names.
 *
 * @throws MlopsError `bad_config` when it does not fit the model, `model_broken` when it is no YAML.
 */
export async function checkServing(file: string, edges: ModelEdges): Promise<string[]> {
  const config = await readConfig(file);
  await build(config, file, edges);
  const { text, image, outputs } = config;
  const names = new Set([
    ...(text === undefined ? [] : [text.tokenizer, 'tokenizer_config.json']),
    ...outputs.flatMap(({ labelsFile }) => labelsFile ?? []),
    ...(image === undefined && text === undefined ? [preprocessorFile] : []),
  ]);
  return [...names].map((name) => path.join(path.dirname(file), name)).filter((name) => fs.existsSync(name));
}

/**
 * Reads the serving.yaml of an ensemble as serving does.
 *
 * @throws MlopsError `bad_config`, also where the file that joins its members is not beside it.
 */
export async function checkEnsemble(file: string): Promise<void> {
  const { fusion } = (await loadEnsemble(file)).config;
  if (fusion === undefined || fs.existsSync(path.join(path.dirname(file), fusion))) return;
  throw new MlopsError('bad_config', `'${file}' ensemble.fusion: '${fusion}' is not beside it`);
}

/**
 * The processing of an ensemble, which has no model of its own.
 *
 * @throws MlopsError `bad_config`.
 */
export async function loadEnsemble(file: string): Promise<{ config: EnsembleConfig; processing: Processing }> {
  const config = await readConfig(file);
  if (config.ensemble === undefined) throw new MlopsError('bad_config', `'${file}' declares no ensemble`);
  return { config: config.ensemble, processing: await build(config, file, { inputs: [], outputs: [] }) };
}

const preprocessorFile = 'preprocessor_config.json';

const nothingSaid: ServingConfig = {
  columns: undefined,
  text: undefined,
  image: undefined,
  ensemble: undefined,
  outputs: [],
  batching: undefined,
};

function hasInput({ columns, text, image }: ServingConfig): boolean {
  return columns !== undefined || text !== undefined || image !== undefined;
}

/** What Hugging Face's file beside a model says, where the model takes such pictures; else it is not for it. */
async function foreignProcessing(
  config: ServingConfig,
  modelFile: string,
  edges: ModelEdges,
): Promise<Processing | undefined> {
  const file = configFile(modelFile, preprocessorFile);
  if (file === undefined) return undefined;
  try {
    const options = optionsOfPreprocessor(JSON.parse(fs.readFileSync(file, 'utf8')));
    return options === undefined ? undefined : await build({ ...config, image: imageOf(options) }, file, edges);
  } catch (error) {
    if (isMlopsError(error, 'bad_config') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readConfig(file: string): Promise<ServingConfig> {
  const config = await parseServingConfig(fs.readFileSync(file, 'utf8'), file);
  const { ensemble } = config;
  return {
    ...config,
    ensemble: ensemble === undefined ? undefined : withLabels(ensemble, file),
    outputs: config.outputs.map((output) => withLabels(output, file)),
  };
}

/** The labels of a file, a line each, in their place. */
function withLabels<Config extends Pick<OutputConfig, 'labels' | 'labelsFile'>>(output: Config, file: string): Config {
  if (output.labelsFile === undefined) return output;
  const name = path.join(path.dirname(file), output.labelsFile);
  try {
    const lines = fs
      .readFileSync(name, 'utf8')
      .replace(/^\uFEFF/, '')
      .split('\n');
    const labels = lines.map((line) => line.trim());
    while (labels.at(-1) === '') labels.pop();
    return { ...output, labels };
  } catch (error) {
    throw new MlopsError('bad_config', `the labels '${name}' cannot be read: ${messageOf(error)}`, {
      hint: 'put the file beside serving.yaml: a label in each line, in the order of the classes',
      cause: error,
    });
  }
}

function build(config: ServingConfig, file: string, edges: ModelEdges): Promise<Processing> {
  const tokenizer = config.text === undefined ? undefined : readTokenizer(config.text, file);
  return buildProcessing({ config, file, edges, tokenizer });
}

function configFile(modelFile: string, name: string): string | undefined {
  const own = modelFile.replace(/\.onnx$/i, `.${name}`);
  if (own !== modelFile && fs.existsSync(own)) return own;
  const shared = path.join(path.dirname(modelFile), name);
  if (!fs.existsSync(shared)) return undefined;
  const models = fs.readdirSync(path.dirname(modelFile)).filter((entry) => /\.onnx$/i.test(entry));
  return models.length === 1 ? shared : undefined;
}
