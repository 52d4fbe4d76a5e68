import { MlopsError, type PyMap, type PyValue } from '../base/index.ts';
import type { PlotProperties, Series } from './datapoints.ts';
import { categoryOf } from './scale.ts';
import { anchor, fillAnchor, hasAnchor, toSpec, type Literal } from './spec.ts';

/** What goes into a template. */
export interface PlotContent {
  readonly rows: readonly PyMap[];
  readonly properties: PlotProperties;
  readonly series: readonly Series[];
  /** Revisions with data, in the order shown. */
  readonly revisions: readonly string[];
}

export interface FilledTemplate {
  readonly spec: PyMap;
  /** The rows as they stand in the specification. */
  readonly rows: readonly PyMap[];
  /** Values kept out of the specification, by placeholder (`--split`). */
  readonly split: ReadonlyMap<string, PyValue>;
}

const optionalAnchors = [
  'color',
  'column',
  'group_by_x',
  'group_by_y',
  'group_by',
  'pivot_field',
  'plot_height',
  'plot_width',
  'row',
  'shape',
  'stroke_dash',
  'tooltip',
  'zoom_and_pan',
] as const;

const splitAnchors: ReadonlySet<string> = new Set([
  'color',
  'data',
  'plot_height',
  'plot_width',
  'shape',
  'stroke_dash',
  'title',
  'tooltip',
  'x_label',
  'y_label',
  'zoom_and_pan',
]);

/** DVC's colors, dashes and shapes, given out in order and again from the start. */
export const ranges = {
  color: ['#945dd6', '#13adc7', '#f46837', '#48bb78', '#4299e1', '#ed8936', '#f56565'],
  stroke_dash: [
    [1, 0],
    [8, 8],
    [8, 4],
    [4, 4],
    [4, 2],
    [2, 1],
    [1, 1],
  ],
  shape: ['circle', 'square', 'triangle', 'diamond'],
} as const;

/**
 * Fills a template with a plot's data, giving each revision its color and each line its dash.
 *
 * @param name the template's name, for errors.
 * @param options split: leave the values of the anchors that DVC's `--split` keeps apart out of the specification.
 * @throws MlopsError `bad_plot` for a template without data anchor, or an axis that is in no row.
 */
export function fillTemplate(
  template: PyMap,
  name: string,
  content: PlotContent,
  options: { readonly split?: boolean } = {},
): FilledTemplate {
  const filler = new Filler(template, options.split === true);
  const { properties } = content;
  const x = properties.get('x');
  const y = properties.get('y');
  for (const field of [x, y]) {
    if (typeof field === 'string' && field !== '' && !content.rows.some((row) => row.has(field))) {
      throw new MlopsError('bad_plot', `Field '${field}' does not exist in provided data.`);
    }
  }
  const wantsVariation = optionalAnchors.some((anchorName) => filler.open.has(anchorName));
  const varied = variedKeys(content.series);
  if (wantsVariation) fillOptional(filler, content, varied);
  const rows = wantsVariation ? content.rows.map((row) => trimRow(row, varied)) : content.rows;
  filler.set('title', properties.get('title') ?? '');
  filler.set('x', escapeField(x));
  filler.set('y', escapeField(y));
  filler.set('x_label', properties.get('x_label') ?? x);
  filler.set('y_label', properties.get('y_label') ?? y);
  if (!filler.splits('data') && !hasAnchor(filler.spec, 'data')) {
    throw new MlopsError('bad_plot', `Template '${name}' is not using '${anchor('data')}' anchor`);
  }
  filler.set('data', [...rows]);
  return { spec: filler.spec, rows, split: filler.split };
}

/** Replaces placeholders one by one, or collects their values where they are to be split out. */
class Filler {
  spec: PyMap;
  readonly split = new Map<string, PyValue>();
  /** Optional anchors of the template that are not filled yet. */
  readonly open: Set<string>;
  readonly #splitting: boolean;

  constructor(template: PyMap, splitting: boolean) {
    this.spec = template;
    this.open = new Set(optionalAnchors.filter((name) => hasAnchor(template, name)));
    this.#splitting = splitting;
  }

  splits(name: string): boolean {
    return this.#splitting && splitAnchors.has(name);
  }

  set(name: string, value: PyValue | undefined): void {
    if (value === null || value === undefined) return;
    if (this.splits(name)) this.split.set(anchor(name), value);
    else this.spec = fillAnchor(this.spec, name, value);
  }

  setOptional(name: string, value: PyValue): void {
    if (this.open.delete(name)) this.set(name, value);
  }

  /** What a plot of one line does not need disappears. */
  clearRest(): void {
    for (const name of this.open) this.spec = fillAnchor(this.spec, name, new Map());
    this.open.clear();
  }
}

function fillOptional(filler: Filler, content: PlotContent, varied: readonly string[]): void {
  filler.setOptional('color', mapping('color', 'rev', content.revisions));
  filler.setOptional('zoom_and_pan', toSpec({ name: 'grid', select: 'interval', bind: 'scales' }));
  filler.setOptional('plot_height', 300);
  filler.setOptional('plot_width', 300);
  const single = content.series.length <= 1;
  const concat = varied.join('::');
  const x = content.properties.get('x') ?? null;
  const y = content.properties.get('y') ?? null;
  const group: PyValue[] = single ? ['rev'] : ['rev', concat];
  filler.setOptional('group_by', group);
  filler.setOptional('group_by_x', [...group, x]);
  filler.setOptional('group_by_y', [...group, y]);
  filler.setOptional(
    'pivot_field',
    (single ? ['rev'] : ['rev', ...varied]).map((key) => `datum.${key}`).join(" + '::' + "),
  );
  if (!single) {
    filler.setOptional('row', toSpec({ field: concat, sort: [] }));
    filler.setOptional('column', toSpec({ field: concat, sort: [] }));
  }
  const fields = ['rev', x, y, ...(single ? [] : [concat])];
  filler.setOptional(
    'tooltip',
    fields.map((field): PyMap => new Map([['field', field]])),
  );
  if (single) filler.clearRest();
  else {
    const domain = domainOf(content.series, varied);
    for (const name of ['stroke_dash', 'shape'] as const) filler.setOptional(name, mapping(name, concat, domain));
  }
}

/** Which of file and field differ between the lines of a plot. */
export function variedKeys(series: readonly Series[]): string[] {
  if (series.length <= 1) return [];
  const keys: string[] = [];
  if (new Set(series.map(({ file }) => file)).size > 1) keys.push('filename');
  if (new Set(series.map(({ field }) => field)).size > 1) keys.push('field');
  return keys;
}

/** The names of the lines of a plot, sorted: by file, by field, or by both. */
export function domainOf(series: readonly Series[], varied: readonly string[]): string[] {
  const nameOf = ({ file, field }: Series): string =>
    varied.length === 2 ? `${file}::${field}` : varied[0] === 'filename' ? file : field;
  return [...new Set(series.map(nameOf))].sort();
}

function mapping(name: keyof typeof ranges, field: string, domain: readonly string[]): PyValue {
  const values: readonly Literal[] = ranges[name];
  const range = domain.map((_, index) => values[index % values.length] ?? null);
  const legend = { symbolFillColor: 'transparent', symbolStrokeColor: 'grey' };
  return toSpec({ field, scale: { domain, range }, ...(name === 'color' ? {} : { legend }) });
}

/** Keeps of `filename` and `field` only what tells lines apart; joins them where both do. */
function trimRow(row: PyMap, varied: readonly string[]): PyMap {
  const trimmed: PyMap = new Map(row);
  if (varied.length === 2)
    trimmed.set('filename::field', `${categoryOf(row.get('filename'))}::${categoryOf(row.get('field'))}`);
  for (const key of ['filename', 'field']) if (varied.length === 2 || !varied.includes(key)) trimmed.delete(key);
  return trimmed;
}

function escapeField(field: PyValue | undefined): PyValue | undefined {
  return typeof field === 'string' ? field.replace(/[.[\]]/g, String.raw`\$&`) : field;
}
