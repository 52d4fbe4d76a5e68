import { parseYaml } from '../../model/index.ts';
import type { BoxConfig } from '../boxes/boxes.ts';
import { readEnsemble, type EnsembleConfig } from './ensemble-config.ts';
import { boxKeys, readBoxes } from './box-config.ts';
import { Checker } from './checker.ts';
import { readImage, type ImageConfig } from './image-config.ts';

/** Allowed values in order of their positions; null holds a position that no value has. */
export type Categories = readonly (string | null)[];

/** A column of a table input. */
export interface ColumnConfig {
  readonly name: string;
  readonly type: 'number' | 'integer' | 'string' | 'boolean';
  /** The input of the model that takes it; default: the one of the same name, else its place in the only input. */
  readonly input: string | undefined;
  readonly default: string | number | boolean | null | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** Allowed values. A model input of numbers gets their position. */
  readonly categories: Categories | undefined;
}

export interface TextConfig {
  /** Key of the text in a request. */
  readonly field: string;
  /** File beside serving.yaml. */
  readonly tokenizer: string;
  readonly maxLength: number;
  readonly padding: 'longest' | 'max_length';
  /** On which side a tokenizer of Keras fills and cuts. */
  readonly pad: 'pre' | 'post';
  readonly truncate: 'pre' | 'post';
}

export interface OutputConfig {
  readonly name: string;
  /** Name in the answer. */
  readonly as: string;
  readonly activation: 'softmax' | 'sigmoid' | undefined;
  readonly pooling: 'mean' | 'cls' | 'max' | undefined;
  readonly normalize: boolean;
  readonly labels: readonly string[] | undefined;
  /** File beside serving.yaml that holds the labels, a line each; they stand in `labels` once it was read. */
  readonly labelsFile: string | undefined;
  readonly topK: number | undefined;
  readonly threshold: number | undefined;
  readonly unit: string | undefined;
  /** The output is the head of a detector. */
  readonly boxes: BoxConfig | undefined;
}

/** The content of `serving.yaml`; docs/serving.md describes it. */
export interface ServingConfig {
  readonly columns: readonly ColumnConfig[] | undefined;
  readonly text: TextConfig | undefined;
  readonly image: ImageConfig | undefined;
  /** Set where there is no model but members of other models. */
  readonly ensemble: EnsembleConfig | undefined;
  readonly outputs: readonly OutputConfig[];
  /** Whether requests may share a run, where the user knows better than what is found out. */
  readonly batching: 'on' | 'off' | undefined;
}

/** @throws MlopsError `bad_config` naming the place, `model_broken` for YAML that cannot be read. */
export async function parseServingConfig(source: string, file: string): Promise<ServingConfig> {
  const check = new Checker(file);
  const root = check.fields(await parseYaml(source, file, '1.2'), '', [
    'version',
    'table',
    'text',
    'image',
    'ensemble',
    'outputs',
    'batching',
  ]);
  if (root['version'] !== undefined && root['version'] !== 1) throw check.problem('version', '1', root['version']);
  const table = root['table'] === undefined ? undefined : check.fields(root['table'], 'table', ['columns']);
  const text = root['text'] === undefined ? undefined : readText(check, root['text']);
  const image = root['image'] === undefined ? undefined : readImage(check, root['image']);
  const ensemble = root['ensemble'] === undefined ? undefined : readEnsemble(check, root['ensemble']);
  const kinds = Object.entries({ table, text, image, ensemble }).filter(([, kind]) => kind !== undefined);
  if (kinds.length > 1) {
    throw check.problem(
      kinds[1]?.[0] ?? '',
      'one of table, text, image and ensemble',
      kinds.map(([name]) => name).join(' and '),
    );
  }
  return {
    columns:
      table === undefined
        ? undefined
        : check.list(table['columns'], 'table.columns').map((c, i) => readColumn(check, c, i)),
    text,
    image,
    ensemble,
    outputs:
      root['outputs'] === undefined
        ? []
        : check.list(root['outputs'], 'outputs').map((o, i) => readOutput(check, o, i)),
    batching:
      root['batching'] === undefined ? undefined : check.choice(root['batching'], 'batching', ['on', 'off'] as const),
  };
}

function readColumn(check: Checker, value: unknown, index: number): ColumnConfig {
  const path = `table.columns[${index}]`;
  const fields = check.fields(typeof value === 'string' ? { name: value } : value, path, [
    'name',
    'type',
    'input',
    'default',
    'min',
    'max',
    'categories',
  ]);
  const fallback = fields['default'];
  if (typeof fallback === 'object' && fallback !== null) throw check.problem(`${path}.default`, 'a value', fallback);
  const categories =
    fields['categories'] === undefined
      ? undefined
      : check.list(fields['categories'], `${path}.categories`).map((one) => (one === null ? null : String(one)));
  return {
    name: check.text(fields['name'], `${path}.name`),
    type: check.choice(fields['type'] ?? (categories === undefined ? 'number' : 'string'), `${path}.type`, [
      'number',
      'integer',
      'string',
      'boolean',
    ] as const),
    input: check.optionalText(fields['input'], `${path}.input`),
    default: fallback as ColumnConfig['default'],
    min: check.optionalNumber(fields['min'], `${path}.min`),
    max: check.optionalNumber(fields['max'], `${path}.max`),
    categories,
  };
}

function readText(check: Checker, value: unknown): TextConfig {
  const fields = check.fields(value, 'text', ['field', 'tokenizer', 'max_length', 'padding', 'pad', 'truncate']);
  return {
    field: check.optionalText(fields['field'], 'text.field') ?? 'text',
    tokenizer: check.optionalFile(fields['tokenizer'], 'text.tokenizer') ?? 'tokenizer.json',
    maxLength: check.optionalNumber(fields['max_length'], 'text.max_length') ?? 512,
    padding: check.choice(fields['padding'] ?? 'longest', 'text.padding', ['longest', 'max_length'] as const),
    pad: check.choice(fields['pad'] ?? 'pre', 'text.pad', ['pre', 'post'] as const),
    truncate: check.choice(fields['truncate'] ?? 'pre', 'text.truncate', ['pre', 'post'] as const),
  };
}

function readOutput(check: Checker, value: unknown, index: number): OutputConfig {
  const path = `outputs[${index}]`;
  const fields = check.fields(value, path, [
    'name',
    'as',
    'activation',
    'pooling',
    'normalize',
    'labels',
    'top_k',
    'threshold',
    'unit',
    ...boxKeys,
  ]);
  const name = check.text(fields['name'], `${path}.name`);
  const { activation, pooling, normalize } = fields;
  if (normalize !== undefined && typeof normalize !== 'boolean')
    throw check.problem(`${path}.normalize`, 'true or false', normalize);
  return {
    name,
    as: check.optionalText(fields['as'], `${path}.as`) ?? name,
    activation:
      activation === undefined
        ? undefined
        : check.choice(activation, `${path}.activation`, ['softmax', 'sigmoid'] as const),
    pooling:
      pooling === undefined ? undefined : check.choice(pooling, `${path}.pooling`, ['mean', 'cls', 'max'] as const),
    normalize: normalize === true,
    ...check.labels(fields['labels'], `${path}.labels`),
    topK: check.optionalNumber(fields['top_k'], `${path}.top_k`),
    threshold: check.optionalNumber(fields['threshold'], `${path}.threshold`),
    unit: check.optionalText(fields['unit'], `${path}.unit`),
    boxes: readBoxes(check, fields, path),
  };
}
