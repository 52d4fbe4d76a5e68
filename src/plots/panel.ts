import { bottomAxis, bottomRoom, drawing, leftAxis, leftRoom, legend, type Area, type LegendEntry } from './frame.ts';
import { bandScale, linearScale, type Scale } from './scale.ts';
import { element, textAt, tooltip, truncate } from './svg.ts';

/** A place in data: numbers, or names where the axis has names. */
export type PanelValue = number | string;

/** What is drawn in a panel, in this order. Colors are CSS colors. */
export type Mark =
  | {
      readonly kind: 'points';
      readonly points: readonly {
        readonly x: PanelValue;
        readonly y: PanelValue;
        readonly color?: string;
        readonly text?: string;
      }[];
      readonly color: string;
      readonly size?: number;
    }
  | {
      readonly kind: 'line';
      readonly points: readonly { readonly x: PanelValue; readonly y: PanelValue }[];
      readonly color: string;
      /** Goes on level until the next point. */
      readonly stairs?: boolean;
      readonly faint?: boolean;
    }
  | {
      readonly kind: 'boxes';
      readonly boxes: readonly {
        readonly x: readonly [from: PanelValue, to: PanelValue];
        readonly y: readonly [from: PanelValue, to: PanelValue];
        readonly color: string;
        readonly text?: string;
      }[];
    };

export interface PanelAxis {
  readonly label: string;
  /** Default: linear; `names` are bands in this order. */
  readonly kind?: 'linear' | 'log' | { readonly names: readonly string[] };
  readonly zero?: boolean;
}

export interface Panel {
  readonly title?: string;
  readonly x: PanelAxis;
  readonly y: PanelAxis;
  readonly marks: readonly Mark[];
  /** Values that the axes show besides those of the marks. */
  readonly shown?: { readonly x?: readonly number[]; readonly y?: readonly number[] };
}

export interface PanelsOptions {
  readonly title: string;
  readonly legend?: readonly LegendEntry[];
  /** Panels beside each other. Default 1. */
  readonly columns?: number;
  /** Pixels of one panel. */
  readonly width?: number;
  readonly height?: number;
}

/** One drawing of one or more panels. */
export function drawPanels(panels: readonly Panel[], options: PanelsOptions): string {
  const { title, columns = 1, width = columns > 1 ? 300 : 560, height = columns > 1 ? 240 : 320 } = options;
  const across = Math.max(1, Math.min(columns, panels.length));
  const whole = across * width;
  const key = legend(options.legend ?? [], whole, 30);
  const top = 34 + key.height;
  const rows = Math.ceil(panels.length / across);
  const parts = panels.map((panel, i) => {
    const [left, above] = [(i % across) * width, top + Math.floor(i / across) * height];
    return element('g', { transform: `translate(${left} ${above})` }, drawPanel(panel, width, height));
  });
  return drawing(whole, top + rows * height + 6, title, [key.markup, ...parts]);
}

function drawPanel(panel: Panel, width: number, height: number): string {
  const { marks, x, y } = panel;
  const all = marks.flatMap(placesOf);
  const head = panel.title === undefined ? 6 : 20;
  const names = namesOf(x);
  const bottom = height - bottomRoom(names, width - 80);
  const yScale = scaleOf(y, [...all.map((place) => place.y), ...(panel.shown?.y ?? [])], bottom, head);
  const area: Area = { left: leftRoom(yScale.ticks.map(({ text }) => text)), top: head, right: width - 14, bottom };
  const xScale = scaleOf(x, [...all.map((place) => place.x), ...(panel.shown?.x ?? [])], area.left, area.right);
  return [
    panel.title === undefined
      ? ''
      : textAt((area.left + area.right) / 2, 13, truncate(panel.title, 44), {
          class: 'label',
          'text-anchor': 'middle',
        }),
    leftAxis(area, yScale, y.label, true),
    bottomAxis(area, xScale, x.label, names === undefined),
    ...marks.map((mark) => drawMark(mark, xScale, yScale)),
  ].join('');
}

function placesOf(mark: Mark): { readonly x: PanelValue; readonly y: PanelValue }[] {
  if (mark.kind !== 'boxes') return [...mark.points];
  return mark.boxes.flatMap(({ x, y }) => [
    { x: x[0], y: y[0] },
    { x: x[1], y: y[1] },
  ]);
}

function namesOf({ kind }: PanelAxis): readonly string[] | undefined {
  return typeof kind === 'object' ? kind.names : undefined;
}

function scaleOf(axis: PanelAxis, values: readonly PanelValue[], from: number, to: number): Scale {
  const names = namesOf(axis);
  if (names !== undefined) return bandScale([...names], from, to);
  const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  const options = { from, to, ticks: Math.abs(to - from) > 220 ? 6 : 4, zero: axis.zero === true };
  if (axis.kind !== 'log') return linearScale(numbers, options);
  const scale = linearScale(numbers.filter((value) => value > 0).map(Math.log10), options);
  return {
    ...scale,
    ticks: scale.ticks.map(({ at, text }) => ({ at, text: powerText(Number(text.replace('−', '-'))) })),
    at: (value) => (typeof value === 'number' && value > 0 ? scale.at(Math.log10(value)) : undefined),
  };
}

function powerText(exponent: number): string {
  const value = 10 ** exponent;
  return exponent >= -3 && exponent <= 4 ? String(Number(value.toPrecision(2))) : value.toExponential(0);
}

function drawMark(mark: Mark, x: Scale, y: Scale): string {
  if (mark.kind === 'line') return drawLine(mark, x, y);
  if (mark.kind === 'points') {
    return mark.points
      .map((point) => {
        const [cx, cy] = [x.at(point.x), y.at(point.y)];
        if (cx === undefined || cy === undefined) return '';
        const color = point.color ?? mark.color;
        const inside = point.text === undefined ? [] : [tooltip(point.text)];
        return element('circle', { class: 'mark', cx, cy, r: mark.size ?? 3.5, fill: color, stroke: color }, ...inside);
      })
      .join('');
  }
  return mark.boxes
    .map((box) => {
      const [x0, x1] = edges(x, box.x);
      const [y0, y1] = edges(y, box.y);
      if (x0 === undefined || x1 === undefined || y0 === undefined || y1 === undefined) return '';
      const place = { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
      return element('rect', { ...place, fill: box.color }, ...(box.text === undefined ? [] : [tooltip(box.text)]));
    })
    .join('');
}

/** A box fills four fifths of a band. */
function edges(scale: Scale, [from, to]: readonly [PanelValue, PanelValue]): [number | undefined, number | undefined] {
  const [a, b] = [scale.at(from), scale.at(to)];
  const half = Math.abs(scale.band) * 0.4;
  return [a === undefined ? undefined : a - half, b === undefined ? undefined : b + half];
}

function drawLine(mark: Extract<Mark, { readonly kind: 'line' }>, x: Scale, y: Scale): string {
  const places = mark.points.flatMap((point) => {
    const [atX, atY] = [x.at(point.x), y.at(point.y)];
    return atX === undefined || atY === undefined ? [] : [[atX, atY] as const];
  });
  if (places.length === 0) return '';
  const d = places
    .map(([atX, atY], i) => {
      const before = places[i - 1];
      const level = mark.stairs === true && before !== undefined ? `L${atX.toFixed(1)} ${before[1].toFixed(1)}` : '';
      return `${level}${i === 0 ? 'M' : 'L'}${atX.toFixed(1)} ${atY.toFixed(1)}`;
    })
    .join('');
  return element('path', { class: mark.faint === true ? 'line faint' : 'line', d, stroke: mark.color });
}

/** A line for each row across upright axes; the last axis is what the colors say. */
export function drawParallel(
  axes: readonly PanelAxis[],
  rows: readonly {
    readonly values: readonly (PanelValue | undefined)[];
    readonly color: string;
    readonly text: string;
  }[],
  title: string,
): string {
  const gap = 120;
  const [top, bottom, left] = [62, 330, 60];
  const scales = axes.map((axis, i) =>
    scaleOf(
      axis,
      rows.flatMap(({ values }) => values[i] ?? []),
      bottom,
      top,
    ),
  );
  const lines = rows.map(({ values, color, text }) => {
    const pieces: string[] = [];
    let open = false;
    for (const [i, value] of values.entries()) {
      const y = value === undefined ? undefined : scales[i]?.at(value);
      if (y !== undefined) pieces.push(`${open ? 'L' : 'M'}${left + i * gap} ${y.toFixed(1)}`);
      open = y !== undefined;
    }
    return element('path', { class: 'line faint', d: pieces.join(''), stroke: color }, tooltip(text));
  });
  const uprights = axes.map(({ label }, i) => {
    const x = left + i * gap;
    const ticks = (scales[i]?.ticks ?? []).map(({ at, text }) =>
      textAt(x - 5, at + 3.8, truncate(text, 9), { 'text-anchor': 'end' }),
    );
    return [
      element('line', { class: 'axis', x1: x, x2: x, y1: top, y2: bottom }),
      ...ticks,
      textAt(x, top - 14, truncate(label, 17), { class: 'label', 'text-anchor': 'middle' }),
    ].join('');
  });
  return drawing(left + (axes.length - 1) * gap + 60, bottom + 24, title, [...lines, ...uprights]);
}

/** A color for a share from 0 to 1: dark blue is 0, yellow is 1 (five points of viridis). */
export function shareColor(share: number): string {
  const stops = [
    [68, 1, 84],
    [59, 82, 139],
    [33, 145, 140],
    [94, 201, 98],
    [253, 231, 37],
  ] as const;
  const place = Math.min(Math.max(Number.isNaN(share) ? 0 : share, 0), 1) * (stops.length - 1);
  const below = Math.min(Math.floor(place), stops.length - 2);
  const from = stops[below] as readonly [number, number, number];
  const to = stops[below + 1] as readonly [number, number, number];
  const mixed = from.map((value, i) => Math.round(value + ((to[i] as number) - value) * (place - below)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
