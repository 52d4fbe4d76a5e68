import type { PyValue } from '../base/index.ts';
import { legendOf, seriesName, seriesOf, valuesOf, type Chart, type ChartSeries } from './chart.ts';
import { bottomAxis, bottomRoom, drawing, leftAxis, leftRoom, legend, type Area } from './frame.ts';
import { loess } from './loess.ts';
import { bandScale, categoryOf, linearScale, toNumber, type Scale } from './scale.ts';
import { element, short, tooltip } from './svg.ts';

const width = 480;

export interface LineOptions {
  /** Show the trend of each line, and the line itself faintly. */
  readonly smooth?: boolean;
}

/** One line for each revision and series; the pointer shows all values at an x. */
export function drawLines(chart: Chart, options: LineOptions = {}): string {
  const key = legend(legendOf(chart, 'line'), width, 30);
  const top = 38 + key.height;
  const height = top + 248;
  const xs = valuesOf(chart, chart.x);
  const categories = xs.some((value) => toNumber(value) !== undefined) ? undefined : [...new Set(xs.map(categoryOf))];
  const bottom = height - bottomRoom(categories, width - 80);
  const yScale = linearScale(valuesOf(chart, chart.y), { from: bottom, to: top, ticks: 6 });
  const area: Area = { left: leftRoom(yScale.ticks.map(({ text }) => text)), top, right: width - 18, bottom };
  const xScale = horizontalScale(xs, categories, area);
  const series = seriesOf(chart);
  const parts = [
    key.markup,
    leftAxis(area, yScale, chart.yLabel, true),
    bottomAxis(area, xScale, chart.xLabel, false),
    ...series.map((one) => drawSeries(one, chart, xScale, yScale, options.smooth === true)),
    hoverBands(series, chart, xScale, area),
  ];
  return drawing(width, height, chart.title, parts);
}

/** An axis of numbers, or of categories where there are any. */
export function horizontalScale(
  values: readonly PyValue[],
  categories: readonly string[] | undefined,
  area: Area,
): Scale {
  return categories === undefined
    ? linearScale(values, { from: area.left, to: area.right, ticks: 6 })
    : bandScale(categories, area.left, area.right);
}

type Point = readonly [number, number];

function drawSeries(series: ChartSeries, chart: Chart, x: Scale, y: Scale, smooth: boolean): string {
  const points = series.rows.flatMap((row): Point[] => {
    const point = [x.at(row.get(chart.x) ?? null), y.at(row.get(chart.y) ?? null)] as const;
    return point[0] === undefined || point[1] === undefined ? [] : [[point[0], point[1]]];
  });
  points.sort((a, b) => a[0] - b[0]);
  const end = points.at(-1);
  if (end === undefined) return '';
  const style = { stroke: series.color, 'stroke-dasharray': series.dash };
  const line = (path: readonly Point[], extra: string): string =>
    element('path', { class: `line${extra}`, d: pathOf(thinOut(path)), ...style });
  const trend = smooth ? loess(thinOut(points), 0.3) : points;
  const [lastX, lastY] = trend.at(-1) ?? end;
  return [
    ...(smooth ? [line(points, ' faint')] : []),
    line(trend, ''),
    element('circle', { class: 'end', cx: lastX, cy: lastY, r: 3.5, fill: series.color }),
  ].join('');
}

function pathOf(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${short(x)} ${short(y)}`).join('');
}

/** At most four points per pixel column: first, lowest, highest, last. The picture stays the same. */
function thinOut(points: readonly Point[]): readonly Point[] {
  if (points.length <= width * 2) return points;
  const columns = new Map<number, Point[]>();
  for (const point of points) {
    const column = Math.round(point[0]);
    const known = columns.get(column);
    if (known === undefined) columns.set(column, [point, point, point, point]);
    else {
      if (point[1] < (known[1]?.[1] ?? 0)) known[1] = point;
      if (point[1] > (known[2]?.[1] ?? 0)) known[2] = point;
      known[3] = point;
    }
  }
  return [...columns.values()].flatMap((four) => [...new Set(four)].sort((a, b) => a[0] - b[0]));
}

/** Invisible columns over the drawing; each tells the values of all lines at its x. */
function hoverBands(series: readonly ChartSeries[], chart: Chart, x: Scale, area: Area): string {
  const byPixel = new Map<number, { text: string; lines: string[] }>();
  for (const one of series) {
    for (const row of one.rows) {
      const at = x.at(row.get(chart.x) ?? null);
      if (at === undefined) continue;
      const column = Math.round(at / 3) * 3;
      const known = byPixel.get(column) ?? { text: `${chart.xLabel} ${categoryOf(row.get(chart.x))}`, lines: [] };
      const line = `${seriesName(one)}: ${categoryOf(row.get(chart.y))}`;
      if (known.lines.length < 24) known.lines.push(line);
      byPixel.set(column, known);
    }
  }
  const columns = [...byPixel].sort((a, b) => a[0] - b[0]);
  return columns
    .map(([at, { text, lines }], index) => {
      const before = columns[index - 1]?.[0];
      const after = columns[index + 1]?.[0];
      const from = before === undefined ? area.left : (before + at) / 2;
      const to = after === undefined ? area.right : (at + after) / 2;
      const box = { class: 'hit', x: from, y: area.top, width: Math.max(1, to - from), height: area.bottom - area.top };
      return element('rect', box, tooltip([text, ...lines].join('\n')));
    })
    .join('');
}
