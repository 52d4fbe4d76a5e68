import type { PyValue } from '../base/index.ts';
import { legendOf, seriesName, seriesOf, valuesOf, type Chart, type ChartSeries } from './chart.ts';
import { horizontalScale } from './draw-lines.ts';
import { bottomAxis, bottomRoom, drawing, leftAxis, leftRoom, legend, type Area } from './frame.ts';
import { bandScale, categoryOf, linearScale, sortedCategories, type Scale } from './scale.ts';
import { element, short, tooltip } from './svg.ts';

const width = 480;
/** More categories than this are shown as numbers, where they are numbers. */
const mostCategories = 40;
/** More points than this are drawn only in part. */
const mostPoints = 8000;

export interface PointOptions {
  /** Axes of categories, points spread within them so that equal ones do not hide each other. */
  readonly jitter?: boolean;
}

/** A dot or other shape for each row. */
export function drawPoints(chart: Chart, options: PointOptions = {}): string {
  const key = legend(legendOf(chart, 'point'), width, 30);
  const top = 38 + key.height;
  const height = top + 262;
  const xs = valuesOf(chart, chart.x);
  const ys = valuesOf(chart, chart.y);
  const xNames = namesOf(xs, options.jitter === true);
  const yNames = namesOf(ys, options.jitter === true);
  const bottom = height - bottomRoom(xNames, width - 80);
  const yScale =
    yNames === undefined ? linearScale(ys, { from: bottom, to: top, ticks: 6 }) : bandScale(yNames, bottom, top);
  const area: Area = { left: leftRoom(yScale.ticks.map(({ text }) => text)), top, right: width - 18, bottom };
  const xScale = horizontalScale(xs, xNames, area);
  const every = Math.ceil(chart.rows.length / mostPoints);
  const parts = [
    key.markup,
    leftAxis(area, yScale, chart.yLabel, true),
    bottomAxis(area, xScale, chart.xLabel, true),
    ...seriesOf(chart).map((series) => {
      const shape = chart.lines.indexOf(series.line);
      return drawSeries(
        { ...series, rows: series.rows.filter((_, i) => i % every === 0) },
        chart,
        xScale,
        yScale,
        shape,
      );
    }),
  ];
  return drawing(width, height, chart.title, parts);
}

function namesOf(values: readonly PyValue[], categories: boolean): string[] | undefined {
  const names = sortedCategories(values);
  const numeric = names.every((name) => Number.isFinite(Number(name)) && name.trim() !== '');
  return numeric && (!categories || names.length > mostCategories) ? undefined : names;
}

function drawSeries(series: ChartSeries, chart: Chart, x: Scale, y: Scale, shape: number): string {
  const name = seriesName(series);
  return series.rows
    .map((row, index) => {
      const [valueX, valueY] = [row.get(chart.x) ?? null, row.get(chart.y) ?? null];
      const [atX, atY] = [x.at(valueX), y.at(valueY)];
      if (atX === undefined || atY === undefined) return '';
      const [spreadX, spreadY] = [spread(index, 1) * x.band, spread(index, 2) * Math.abs(y.band)];
      const text = `${name}\n${chart.xLabel}: ${categoryOf(valueX)}\n${chart.yLabel}: ${categoryOf(valueY)}`;
      const d = shapePath(shape, atX + spreadX * 0.8, atY + spreadY * 0.8);
      return element('path', { class: 'mark', d, fill: series.color, stroke: series.color }, tooltip(text));
    })
    .join('');
}

/** A number in -0.5 to 0.5 that looks random and is the same each time. */
function spread(index: number, salt: number): number {
  const mixed = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b);
  const again = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return ((again ^ (again >>> 12)) >>> 0) / 2 ** 32 - 0.5;
}

function shapePath(shape: number, x: number, y: number): string {
  const at = (dx: number, dy: number): string => `${short(x + dx)} ${short(y + dy)}`;
  if (shape % 4 === 1) return `M${at(-3.2, -3.2)}h6.4v6.4h-6.4z`;
  if (shape % 4 === 2) return `M${at(0, -4)}L${at(3.8, 3)}L${at(-3.8, 3)}z`;
  if (shape % 4 === 3) return `M${at(0, -4.4)}L${at(4.4, 0)}L${at(0, 4.4)}L${at(-4.4, 0)}z`;
  return `M${at(-3.5, 0)}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z`;
}
