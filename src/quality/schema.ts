import { isMlopsError, MlopsError } from '../base/index.ts';
import { driftMethods, multivariateNames } from '../monitor/index.ts';
import { parseSettings, setting, type SettingOf } from '../project/index.ts';
import { parseRule } from './rules/parse.ts';
import { dataTypes, type DataType, type Scalar } from './schema-types.ts';
import { timeOfText } from './times.ts';

const { fields, required, optional } = setting;

const count = (): ReturnType<typeof setting.integer> => setting.integer({ min: 0 });

const column = setting.checked(
  fields({
    type: optional(setting.choice(dataTypes), { about: 'what each value is' }),
    nullable: optional(setting.flag(), { about: 'false: no value may be missing' }),
    max_missing: optional(setting.number({ min: 0 }), {
      about: 'largest share of missing values; a whole number from 1 on is a count',
    }),
    min: optional(setting.scalar(), { about: 'least value, itself allowed' }),
    max: optional(setting.scalar(), { about: 'largest value, itself allowed' }),
    values: optional(setting.listOf(setting.scalar(), { min: 1 }), { about: 'the only values' }),
    unique: optional(setting.flag(), { about: 'no value twice', fallback: false }),
    regex: optional(setting.text(), {
      about: 'RE2 expression that some part of each value fits (anchor it with ^ and $)',
    }),
    script: optional(setting.either(setting.text(), setting.listOf(setting.text(), { min: 1 })), {
      about: 'scripts of Unicode of which all letters are: Latin, [Latin, Greek], Japanese',
    }),
    mixed_scripts: optional(setting.flag(), { about: 'false: no word has letters of several scripts', fallback: true }),
    encoding: optional(setting.choice(['clean']), {
      about: 'clean: no replacement or control characters, no UTF-8 that was read as another encoding',
    }),
    min_length: optional(count(), { about: 'least number of characters; 1: no empty text' }),
    max_length: optional(count(), { about: 'largest number of characters' }),
    order: optional(setting.choice(['increasing', 'decreasing']), { about: 'each value against the one before it' }),
  }),
  columnProblem,
);

const names = setting.listOf(setting.text(), { min: 1 });

const schemaKind = fields({
  version: required(setting.exactly(1), { about: 'version of this format' }),
  columns: optional(setting.mapOf(column, 'NAME'), { about: 'what is expected of columns; others may be there' }),
  rows: optional(
    setting.checked(
      fields({
        min: optional(count(), { about: 'least number of rows' }),
        max: optional(count(), { about: 'largest number of rows' }),
        unique: optional(setting.flag(), { about: 'no row twice', fallback: false }),
      }),
      ({ min, max }) => (min !== undefined && max !== undefined && min > max ? 'min is above max' : undefined),
    ),
    { about: 'what is expected of the rows' },
  ),
  keys: optional(setting.listOf(names), { about: 'columns that together are never the same twice' }),
  rules: optional(setting.listOf(setting.checked(setting.text(), ruleProblem)), {
    about: 'conditions on the columns of a row: "start <= end"',
  }),
  freshness: optional(
    fields({
      column: required(setting.text(), { about: 'dates or datetimes' }),
      max_age: required(setting.duration(), { about: 'largest age of the newest' }),
    }),
    { about: 'how old the newest row may be' },
  ),
  balance: optional(
    fields({
      column: required(setting.text(), { about: 'classes' }),
      min_share: required(setting.share(), { about: 'least share of each class' }),
    }),
    { about: 'how rare a class may be' },
  ),
  leakage: optional(
    fields({
      against: required(setting.text(), {
        about: 'file that no row may also be in; its path is relative to the schema',
      }),
      keys: optional(names, { about: 'compare these columns only (default: all that both have)' }),
    }),
    { about: 'rows of the training data in test data' },
  ),
  drift: optional(
    fields({
      reference: required(setting.text(), { about: 'file to compare with; its path is relative to the schema' }),
      columns: optional(names, { about: 'only these (default: all that both have)' }),
      method: optional(setting.choice(['auto', ...Object.keys(driftMethods), ...multivariateNames]), {
        about: 'as of `monitor drift`',
        fallback: 'auto',
      }),
      threshold: optional(setting.number(), { about: "instead of the method's own" }),
    }),
    { about: 'distribution against a reference' },
  ),
});

export type DataSchema = SettingOf<typeof schemaKind>;
export type ColumnSchema = SettingOf<typeof column>;

/** @throws MlopsError `bad_settings` naming file, line and key. */
export function parseDataSchema(text: string, file: string): DataSchema {
  return parseSettings({ file, text, docs: 'docs/gates.md' }, schemaKind);
}

/** A bound of a column as its values are compared: a number, or a time in milliseconds; undefined for texts. */
export function boundOf(bound: Scalar, type: DataType | undefined): number | undefined {
  if (typeof bound === 'number') return bound;
  if (typeof bound === 'boolean' || type === 'string') return undefined;
  const time = timeOfText(bound, type === 'date');
  return Number.isNaN(time) ? undefined : time;
}

function columnProblem(spec: {
  readonly type: DataType | undefined;
  readonly min: Scalar | undefined;
  readonly max: Scalar | undefined;
  readonly min_length: number | undefined;
  readonly max_length: number | undefined;
}): string | undefined {
  const { type, min, max } = spec;
  for (const [name, bound] of Object.entries({ min, max })) {
    if (bound === undefined) continue;
    const isNumber = typeof bound === 'number';
    const numeric = type === 'integer' || type === 'number';
    const timed = type === 'date' || type === 'datetime';
    if (type === 'boolean') return `${name} does not fit the type boolean`;
    if ((numeric && !isNumber) || (timed && (isNumber || boundOf(bound, type) === undefined))) {
      return `${name} '${String(bound)}' is no ${type}`;
    }
  }
  if (typeof min === typeof max && min !== undefined && max !== undefined) {
    const [low, high] = [boundOf(min, type) ?? min, boundOf(max, type) ?? max];
    if (low > high) return 'min is above max';
  }
  const { min_length: least, max_length: most } = spec;
  return least !== undefined && most !== undefined && least > most ? 'min_length is above max_length' : undefined;
}

function ruleProblem(text: string): string | undefined {
  try {
    parseRule(text);
    return undefined;
  } catch (error) {
    if (isMlopsError(error)) return error.message;
    throw error;
  }
}

/** An error of a schema that is seen only beside the data: status 2. */
export function schemaError(message: string, hint?: string): MlopsError {
  return new MlopsError('bad_settings', message, { hint });
}
