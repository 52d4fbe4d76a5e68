import { didYouMean, MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import { showJson, type Json, isObject, type JsonObject } from '../wire/json-reader.ts';
import type { InputStep } from './steps.ts';
import type { Categories, ColumnConfig } from './serving-config.ts';
import type { Tensor } from '../wire/tensor.ts';
import { invalid, tensorFromJson } from '../wire/tensor-json.ts';

/** Named columns for a model with an input for each, or with one input [N, columns]. */
export function tableInput(columns: readonly ColumnConfig[], file: string, inputs: readonly TensorInfo[]): InputStep {
  const groups = groupByInput(columns, file, inputs);
  return {
    kind: 'table',
    names: columns.map((column) => column.name),
    holdsText: (name) => columns.some((column) => column.name === name && column.type === 'string'),
    read(raw) {
      const rows = rowsOf(raw, columns);
      const feeds: Record<string, Tensor> = {};
      for (const { info, own } of groups) {
        const values = rows.map((row, r) => own.map((column) => valueOf(row, column, r, info)));
        const flat = info.dims?.length === 1;
        feeds[info.name] = tensorFromJson(flat ? values.flat() : values, info, info.name);
      }
      return feeds;
    },
    targets: new Map(groups.flatMap(({ info, own }) => own.map(({ name }) => [name, [info.name]] as const))),
    rows(raw) {
      const rows = rowsOf(raw, columns);
      return { count: rows.length, columns: columns.length, row: (index) => rows[index] ?? {} };
    },
    schema: () => ({
      type: 'object',
      properties: Object.fromEntries(columns.map((column) => [column.name, schemaOf(column)])),
      required: columns.filter((column) => column.default === undefined).map((column) => column.name),
      additionalProperties: false,
    }),
    example: () => Object.fromEntries(columns.map((column) => [column.name, exampleOf(column)])),
  };
}

interface Group {
  readonly info: TensorInfo;
  readonly own: readonly ColumnConfig[];
}

function groupByInput(columns: readonly ColumnConfig[], file: string, inputs: readonly TensorInfo[]): Group[] {
  const [only] = inputs;
  const inputOf = (column: ColumnConfig): string | undefined =>
    column.input ??
    inputs.find((info) => info.name === column.name)?.name ??
    (inputs.length === 1 ? only?.name : undefined);
  const groups = inputs.map((info) => ({ info, own: columns.filter((column) => inputOf(column) === info.name) }));
  const lost = columns.find((column) => !inputs.some((info) => info.name === inputOf(column)));
  if (lost !== undefined) throw misfit(file, `column '${lost.name}' belongs to no input of the model`);
  for (const { info, own } of groups) {
    const width = info.dims?.length === 2 ? info.dims[1] : 1;
    if (own.length === 0) throw misfit(file, `the input '${info.name}' gets no column`);
    if (typeof width === 'number' && width !== own.length) {
      throw misfit(file, `the input '${info.name}' takes ${width} columns, ${own.length} are declared`);
    }
  }
  return groups;
}

function misfit(file: string, what: string): MlopsError {
  return new MlopsError('bad_config', `'${file}' does not fit the model: ${what}`, {
    hint: 'see the inputs with GET /models/info',
  });
}

/** One row object, a list of them, or an object of lists. */
function rowsOf(raw: Json, columns: readonly ColumnConfig[]): JsonObject[] {
  const rows = Array.isArray(raw)
    ? raw
    : isObject(raw) && Object.values(raw).some(Array.isArray)
      ? transpose(raw)
      : [raw];
  if (rows.length === 0) throw invalid('inputs', 'one row or more', 'an empty list');
  return rows.map((row, i) => {
    if (!isObject(row)) throw invalid(`inputs[${i}]`, 'an object with a value for each column', 'something else');
    const strange = Object.keys(row).find((key) => !columns.some((column) => column.name === key));
    if (strange === undefined) return row;
    const names = columns.map((column) => column.name);
    throw new MlopsError('invalid_input', `inputs[${i}].${strange.slice(0, 100)}: there is no such column`, {
      hint: didYouMean(strange.slice(0, 100), names) ?? `columns: ${names.join(', ')}`,
      data: { path: `inputs[${i}].${strange.slice(0, 100)}`, expected: names, got: strange.slice(0, 100) },
    });
  });
}

function transpose(columns: JsonObject): JsonObject[] {
  const lengths = Object.entries(columns).map(([name, values]) => {
    if (Array.isArray(values)) return values.length;
    throw invalid(`inputs.${name}`, 'a list, as the other columns', 'one value');
  });
  const [length = 0] = lengths;
  const odd = Object.keys(columns)[lengths.findIndex((own) => own !== length)];
  if (odd !== undefined) throw invalid(`inputs.${odd}`, `${length} values, as the other columns`, 'another number');
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, (values as Json[])[i] ?? null])),
  );
}

function valueOf(row: JsonObject, column: ColumnConfig, index: number, info: TensorInfo): Json {
  const path = `inputs[${index}].${column.name}`;
  const given = Object.hasOwn(row, column.name) ? row[column.name] : undefined;
  // NaN is how floats say null.
  const missing = given === undefined || given === null || Number.isNaN(given);
  const value = missing ? column.default : given;
  if (value === undefined) {
    const got = given === undefined ? 'nothing' : showJson(given);
    throw invalid(path, `a ${column.type} (the column has no default)`, got);
  }
  if (value === null) return null;
  checkType(value, column, path);
  if (column.categories !== undefined) return category(value, column.categories, path, info);
  return typeof value === 'boolean' && info.dtype !== 'bool' ? Number(value) : value;
}

function checkType(value: Json, { type, min, max, categories }: ColumnConfig, path: string): void {
  const number = typeof value === 'number' || typeof value === 'bigint';
  const fits =
    (type === 'number' && number) ||
    (type === 'integer' && number && Number.isInteger(Number(value))) ||
    (type === 'boolean' && typeof value === 'boolean') ||
    (type === 'string' && (typeof value === 'string' || (categories !== undefined && number)));
  if (!fits) throw invalid(path, `a ${type}`, showJson(value));
  if (!number) return;
  const within = Number.isFinite(Number(value));
  if (min !== undefined && !(within && Number(value) >= min)) throw invalid(path, `at least ${min}`, String(value));
  if (max !== undefined && !(within && Number(value) <= max)) throw invalid(path, `at most ${max}`, String(value));
}

function category(value: Json, categories: Categories, path: string, info: TensorInfo): Json {
  const text = typeof value === 'string' ? value : showJson(value);
  const at = categories.indexOf(text);
  if (at < 0) throw invalid(path, `one of ${categories.filter((one) => one !== null).join(', ')}`, showJson(text));
  return info.dtype === 'string' ? text : at;
}

function schemaOf({ type, min, max, categories, ...column }: ColumnConfig) {
  return {
    ...(categories === undefined ? { type } : { enum: categories.filter((category) => category !== null) }),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(column.default === undefined ? {} : { default: column.default }),
  };
}

function exampleOf({ type, categories, min, max, ...column }: ColumnConfig): Json {
  if (column.default !== undefined && column.default !== null) return column.default;
  if (categories !== undefined) return categories.find((one) => one !== null) ?? '';
  if (type === 'string') return 'text';
  if (type === 'boolean') return false;
  if (min !== undefined && max !== undefined) return type === 'integer' ? Math.round((min + max) / 2) : (min + max) / 2;
  return min ?? max ?? 0;
}
