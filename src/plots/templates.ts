import type { PyMap } from '../base/index.ts';
import { anchor, toSpec, type Literal } from './spec.ts';

/**
 * DVC's built-in templates: Vega-Lite v5 specifications with DVC's placeholders, equal to what
 * `dvc plots templates NAME` prints, because editors and other tools fill and read them.
 */
const builders: Readonly<Record<string, () => Literal>> = {
  simple,
  linear: smooth,
  confusion: () => confusion(false),
  confusion_normalized: () => confusion(true),
  scatter,
  scatter_jitter: scatterJitter,
  smooth,
  bar_horizontal_sorted: () => barHorizontal({ sort: '-x' }),
  bar_horizontal: () => barHorizontal({}),
};

/** In DVC's order. */
export const templateNames: readonly string[] = Object.keys(builders);

/** The template used where a plot names none. */
export const defaultTemplate = 'linear';

/** A built-in template by name; undefined when there is none. */
export function builtinTemplate(name: string): PyMap | undefined {
  const build = Object.hasOwn(builders, name) ? builders[name] : undefined;
  return build === undefined ? undefined : (toSpec(build()) as PyMap);
}

interface LiteralMap {
  readonly [key: string]: Literal;
}

const head: LiteralMap = {
  $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
  data: { values: anchor('data') },
  title: { text: anchor('title'), anchor: 'middle' },
};
const size: LiteralMap = { width: anchor('plot_width'), height: anchor('plot_height') };
const zoom: LiteralMap = { params: [anchor('zoom_and_pan')] };
const notFromZero: LiteralMap = { scale: { zero: false } };

function axis(name: 'x' | 'y', type: 'quantitative' | 'nominal' | undefined, extra: LiteralMap = {}): LiteralMap {
  const field: LiteralMap = { field: anchor(name), ...(type === undefined ? {} : { type }) };
  return { ...field, title: anchor(`${name}_label`), ...extra };
}

/** Categories from A to Z. */
function categories(name: 'x' | 'y'): LiteralMap {
  return { field: anchor(name), type: 'nominal', sort: 'ascending', title: anchor(`${name}_label`) };
}

function simple(): Literal {
  return {
    ...head,
    ...zoom,
    ...size,
    mark: { type: 'line', tooltip: { content: 'data' } },
    encoding: {
      x: axis('x', 'quantitative'),
      y: axis('y', 'quantitative', notFromZero),
      color: anchor('color'),
      strokeDash: anchor('stroke_dash'),
      tooltip: anchor('tooltip'),
    },
  };
}

function barHorizontal(order: LiteralMap): Literal {
  return {
    ...head,
    ...size,
    mark: { type: 'bar' },
    ...zoom,
    encoding: {
      x: axis('x', 'quantitative', notFromZero),
      y: axis('y', 'nominal', order),
      yOffset: { field: 'rev', sort: [] },
      color: anchor('color'),
      column: anchor('column'),
    },
  };
}

const pointMark: LiteralMap = { type: 'point', tooltip: { content: 'data' } };

function scatter(): Literal {
  return {
    ...head,
    ...size,
    mark: pointMark,
    ...zoom,
    encoding: {
      x: axis('x', 'quantitative'),
      y: axis('y', 'quantitative'),
      color: anchor('color'),
      shape: anchor('shape'),
      tooltip: anchor('tooltip'),
    },
  };
}

function scatterJitter(): Literal {
  return {
    ...head,
    ...size,
    transform: [
      { calculate: 'random()', as: 'randomX' },
      { calculate: 'random()', as: 'randomY' },
    ],
    mark: pointMark,
    encoding: {
      x: axis('x', undefined),
      y: axis('y', undefined),
      color: anchor('color'),
      shape: anchor('shape'),
      tooltip: anchor('tooltip'),
      xOffset: { field: 'randomX', type: 'quantitative' },
      yOffset: { field: 'randomY', type: 'quantitative' },
    },
  };
}

function smooth(): Literal {
  const byRevision: LiteralMap = { field: 'rev', type: 'nominal' };
  const y = axis('y', 'quantitative', notFromZero);
  return {
    ...head,
    ...size,
    params: [{ name: 'smooth', value: 0.001, bind: { input: 'range', min: 0.001, max: 1, step: 0.001 } }],
    encoding: { x: axis('x', 'quantitative'), color: anchor('color'), strokeDash: anchor('stroke_dash') },
    layer: [
      {
        layer: [
          { ...zoom, mark: 'line' },
          { transform: [{ filter: { param: 'hover', empty: false } }], mark: 'point' },
        ],
        encoding: { y, color: byRevision },
        transform: [
          { loess: anchor('y'), on: anchor('x'), groupby: anchor('group_by'), bandwidth: { signal: 'smooth' } },
        ],
      },
      { mark: { type: 'line', opacity: 0.2 }, encoding: { x: axis('x', 'quantitative'), y, color: byRevision } },
      lastPoints(byRevision),
      hoverRule(),
    ],
  };
}

/** A dot where each line ends. */
function lastPoints(byRevision: LiteralMap): Literal {
  return {
    mark: { type: 'circle', size: 10 },
    encoding: {
      x: { aggregate: 'max', ...axis('x', 'quantitative') },
      y: { aggregate: { argmax: anchor('x') }, ...axis('y', 'quantitative', notFromZero) },
      color: byRevision,
    },
  };
}

/** The vertical line under the pointer, with the values of all series in its tooltip. */
function hoverRule(): Literal {
  return {
    transform: [
      { calculate: anchor('pivot_field'), as: 'pivot_field' },
      { pivot: 'pivot_field', op: 'mean', value: anchor('y'), groupby: [anchor('x')] },
    ],
    mark: { type: 'rule', tooltip: { content: 'data' }, stroke: 'grey' },
    encoding: { opacity: { condition: { value: 0.3, param: 'hover', empty: false }, value: 0 } },
    params: [
      {
        name: 'hover',
        select: { type: 'point', fields: [anchor('x')], nearest: true, on: 'mouseover', clear: 'mouseout' },
      },
    ],
  };
}

function confusion(normalized: boolean): Literal {
  const [x, y] = [anchor('x'), anchor('y')];
  const share = normalized ? 'percent_of_y' : 'percent_of_max';
  const total: LiteralMap = normalized
    ? { joinaggregate: [{ op: 'sum', field: 'xy_count', as: 'sum_y' }], groupby: [y] }
    : { joinaggregate: [{ op: 'max', field: 'xy_count', as: 'max_count' }], groupby: [] };
  return {
    ...head,
    facet: { column: { field: 'rev', sort: [] }, row: anchor('row') },
    ...(normalized ? {} : { params: [{ name: 'showValues', bind: { input: 'checkbox' } }] }),
    spec: {
      transform: [
        { aggregate: [{ op: 'count', as: 'xy_count' }], groupby: [y, x] },
        { impute: 'xy_count', groupby: normalized ? ['rev', y] : anchor('group_by_y'), key: x, value: 0 },
        { impute: 'xy_count', groupby: anchor('group_by_x'), key: y, value: 0 },
        total,
        { calculate: `datum.xy_count / datum.${normalized ? 'sum_y' : 'max_count'}`, as: share },
      ],
      encoding: { x: categories('x'), y: categories('y') },
      layer: confusionLayers(normalized, share),
    },
  };
}

function confusionLayers(normalized: boolean, share: string): Literal {
  const scale: LiteralMap = normalized ? { domain: [0, 1] } : { domainMin: 0, nice: true };
  const shown = normalized ? 'percent_of_y' : 'xy_count';
  const white: LiteralMap = {
    color: { condition: { test: `datum.${share} > 0.5`, value: 'white' }, value: 'black' },
  };
  const count: LiteralMap = { condition: { param: 'showValues', field: 'xy_count', type: 'quantitative' } };
  return [
    { mark: 'rect', ...size, encoding: { color: { field: shown, type: 'quantitative', title: '', scale } } },
    {
      selection: {
        label: { type: 'single', on: 'mouseover', encodings: ['x', 'y'], empty: 'none', clear: 'mouseout' },
      },
      mark: 'rect',
      encoding: {
        tooltip: [
          { field: anchor('x'), type: 'nominal' },
          { field: anchor('y'), type: 'nominal' },
          { field: shown, type: 'quantitative', ...(normalized ? { format: '.2f' } : {}) },
        ],
        opacity: { condition: { selection: 'label', value: 1 }, value: 0 },
      },
    },
    {
      transform: [{ filter: { selection: 'label' } }],
      layer: [{ mark: { type: 'rect', color: 'lightpink' } }],
    },
    { mark: 'text', encoding: { ...(normalized ? {} : { text: count }), ...white } },
  ];
}
