import { MlopsError, type PyMap, type PyValue } from '../base/index.ts';
import { categoryOf } from './scale.ts';

/** `x` or `y` of a plot: a field of its own file, several, or fields by file. */
export type AxisDefinition = PyValue | undefined;

/** How a plot is to be shown, as in dvc.yaml; every key optional. */
export type PlotProperties = ReadonlyMap<string, PyValue>;

/** One line of a plot: which field of which file. */
export interface Series {
  readonly file: string;
  readonly field: string;
}

/** Rows ready for a template, and what was found out about the axes. */
export interface Datapoints {
  readonly rows: PyMap[];
  /** The properties with x, y and their labels filled in. */
  readonly properties: PlotProperties;
  /** The lines, files without their common prefix. */
  readonly series: readonly Series[];
}

const inferredX = 'dvc_inferred_x_value';
const inferredY = 'dvc_inferred_y_value';

/**
 * Turns the contents of a plot's files into rows with `rev`, `filename` and `field`, finding x and y where
 * they are not given: y is the last column, x the row's number (`step`). Undefined without any row.
 *
 * @param id the plot's id, which is its file where the axes name none.
 * @param contents parsed files by path as the axes name them.
 * @throws MlopsError `bad_plot` for a field that is not there and for axes that do not fit together.
 */
export function datapointsOf(
  id: string,
  contents: ReadonlyMap<string, PyValue>,
  given: PlotProperties,
  revision: string,
): Datapoints | undefined {
  const rowsByFile = new Map([...contents].map(([file, content]) => [file, rowsOf(content)]));
  const axes = inferAxes(id, contents, given);
  const xs = checkedFields(axes.x, rowsByFile);
  const ys = checkedFields(axes.y, rowsByFile);
  if (xs.length > 1 && xs.length !== ys.length) {
    throw new MlopsError(
      'bad_plot',
      `Cannot have different number of x and y data sources. Found ${xs.length} x and ${ys.length} y data sources.`,
    );
  }
  const manyX = new Set(xs.map(({ field }) => field)).size > 1;
  const manyY = new Set(ys.map(({ field }) => field)).size > 1;
  const x = manyX ? inferredX : (xs[0]?.field ?? 'step');
  const short = shortNames(ys.map(({ file }) => file));
  const rows = ys.flatMap((y, index) => {
    const own = (rowsByFile.get(y.file) ?? []).map((row): PyMap => new Map(row));
    if (manyY) copyField(own, own, y.field, inferredY);
    const from = xs.length > 1 ? xs[index] : xs[0];
    if (from === undefined) own.forEach((row, step) => row.set('step', step));
    else copyX(own, rowsByFile.get(from.file) ?? [], from, y, x);
    for (const row of own) row.set('rev', revision).set('filename', short(y.file)).set('field', y.field);
    return own;
  });
  if (rows.length === 0) return undefined;
  const properties = new Map<string, PyValue>([...given, ['x', x], ['y', manyY ? inferredY : (ys[0]?.field ?? null)]]);
  properties.set('x_label', given.get('x_label') ?? labelOf(axes.x, 'x', 'step'));
  properties.set('y_label', given.get('y_label') ?? labelOf(axes.y, 'y', null));
  return { rows, properties, series: ys.map(({ file, field }) => ({ file: short(file), field })) };
}

/** Which files a plot reads: those its axes name, else the one it is called after. */
export function sourcesOf(id: string, properties: PlotProperties): string[] {
  const y = properties.get('y');
  const x = properties.get('x');
  const sources = y instanceof Map ? [...y.keys()].map(categoryOf) : [id];
  if (x instanceof Map && x.size > 0) sources.push(categoryOf([...x.keys()][0]));
  return [...new Set(sources)];
}

/** Every list of mappings with the same keys, at any depth; several lists are joined row by row. */
function rowsOf(content: PyValue): PyMap[] {
  const rows: PyMap[] = [];
  for (const list of listsIn(content)) {
    if (!isTable(list)) continue;
    list.forEach((record, index) => {
      const row = (rows[index] ??= new Map());
      for (const [key, value] of record) row.set(key, value);
    });
  }
  return rows;
}

function listsIn(content: PyValue): PyValue[][] {
  if (Array.isArray(content)) return [content];
  if (!(content instanceof Map)) return [];
  return [...content.values()].flatMap((value) => (Array.isArray(value) ? [value] : listsIn(value)));
}

function isTable(list: readonly PyValue[]): list is PyMap[] {
  const [first] = list;
  if (!(first instanceof Map)) return false;
  return list.every((item) => item instanceof Map && [...item.keys()].every((key) => first.has(key)));
}

interface Axes {
  readonly x: PyMap | undefined;
  readonly y: PyMap | undefined;
}

function inferAxes(id: string, contents: ReadonlyMap<string, PyValue>, given: PlotProperties): Axes {
  const x = given.get('x') ?? undefined;
  const y = given.get('y') ?? undefined;
  const inferred = y === undefined ? lastColumn(id, contents) : y instanceof Map ? y : new Map([[id, y]]);
  if (typeof x !== 'string') return { x: x instanceof Map ? x : undefined, y: inferred };
  if (!(y instanceof Map)) return { x: new Map([[id, x]]), y: inferred };
  // One x for each y.
  const each = [...y].map(([file, fields]): [PyValue, PyValue] => [
    file,
    Array.isArray(fields) ? fields.map(() => x) : x,
  ]);
  return { x: new Map(each), y: inferred };
}

function lastColumn(id: string, contents: ReadonlyMap<string, PyValue>): PyMap | undefined {
  const content = contents.get(id);
  if (content === undefined) return undefined;
  const first = listsIn(content).find((list) => list.length > 0 && list.every((item) => item instanceof Map))?.[0];
  const field = first instanceof Map ? [...first.keys()].at(-1) : undefined;
  return field === undefined ? undefined : new Map([[id, field]]);
}

function checkedFields(axis: PyMap | undefined, rowsByFile: ReadonlyMap<string, readonly PyMap[]>): Series[] {
  const series = [...(axis ?? [])].flatMap(([file, value]) =>
    (Array.isArray(value) ? value : [value]).map((field) => ({ file: categoryOf(file), field: categoryOf(field) })),
  );
  for (const { file, field } of series) {
    const first = rowsByFile.get(file)?.[0];
    if (first !== undefined && !first.has(field)) {
      const found = [...first.keys()].map(categoryOf).join(', ');
      throw new MlopsError('bad_plot', `Could not find provided field ('${field}') in data fields ('${found}').`, {
        data: { type: 'FieldNotFoundError' },
      });
    }
  }
  return series;
}

function copyX(rows: readonly PyMap[], source: readonly PyMap[], from: Series, y: Series, name: string): void {
  if (rows.length !== source.length) {
    throw new MlopsError(
      'bad_plot',
      `Cannot join '${from.field}' from '${from.file}' and '${y.field}' from '${y.file}'. They have to have same length.`,
    );
  }
  copyField(rows, source, from.field, name);
}

function copyField(rows: readonly PyMap[], source: readonly PyMap[], field: string, name: string): void {
  rows.forEach((row, index) => {
    const value = source[index]?.get(field);
    if (value !== undefined) row.set(name, value);
  });
}

function labelOf(axis: PyMap | undefined, several: string, none: string | null): string | null {
  if (axis === undefined) return none;
  const fields = new Set([...axis.values()].flatMap((value) => (Array.isArray(value) ? value : [value])));
  return fields.size === 1 ? categoryOf([...fields][0]) : several;
}

/** File names without the folders that all of them share. */
function shortNames(files: readonly string[]): (file: string) => string {
  const different = [...new Set(files)];
  if (different.length < 2) return (file) => file.replace(/^[/\\]+|(?<![/\\])[/\\]+$/g, '');
  const split = different.map((file) => file.split('/').filter((part) => part !== '' && part !== '.'));
  const [shortest = []] = [...split].sort((a, b) => a.length - b.length);
  let same = 0;
  while (same < shortest.length && split.every((parts) => parts[same] === shortest[same])) same++;
  const prefix = shortest.slice(0, same).join('/').length;
  return (file) => file.slice(prefix).replace(/^[/\\]+|(?<![/\\])[/\\]+$/g, '');
}
