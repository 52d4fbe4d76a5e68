import type { PyMap, PyValue } from '../base/index.ts';
import { domainOf, ranges, variedKeys, type PlotContent } from './fill.ts';
import { categoryOf } from './scale.ts';
import type { LegendEntry } from './frame.ts';

/** A plot's data, ready to be drawn. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly rows: readonly PyMap[];
  readonly revisions: readonly string[];
  /** Names of the lines within a revision; one empty name when there is only one. */
  readonly lines: readonly string[];
  readonly lineOf: (row: PyMap) => string;
}

/** One revision's share of one line. */
export interface ChartSeries {
  readonly revision: string;
  readonly line: string;
  readonly color: string;
  readonly dash: string | undefined;
  readonly rows: readonly PyMap[];
}

export function chartOf(content: PlotContent): Chart {
  const text = (key: string): string => {
    const value = content.properties.get(key);
    return value === null || value === undefined ? '' : categoryOf(value);
  };
  const varied = variedKeys(content.series);
  const x = text('x');
  const y = text('y');
  return {
    title: text('title'),
    x,
    y,
    xLabel: text('x_label') || x,
    yLabel: text('y_label') || y,
    rows: content.rows,
    revisions: content.revisions,
    lines: varied.length === 0 ? [''] : domainOf(content.series, varied),
    lineOf: (row) => varied.map((key) => categoryOf(row.get(key))).join('::'),
  };
}

/** Revisions in their colors, lines in their dashes. */
export function seriesOf(chart: Chart): ChartSeries[] {
  const groups = new Map<string, PyMap[]>();
  const keyOf = (revision: string, line: string): string => `${revision}\n${line}`;
  for (const row of chart.rows) {
    const key = keyOf(categoryOf(row.get('rev')), chart.lineOf(row));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return chart.revisions.flatMap((revision, index) =>
    chart.lines.map((line, lineIndex) => ({
      revision,
      line,
      color: colorOf(index),
      dash: dashOf(lineIndex),
      rows: groups.get(keyOf(revision, line)) ?? [],
    })),
  );
}

export function colorOf(revision: number): string {
  return ranges.color[revision % ranges.color.length] ?? ranges.color[0];
}

function dashOf(line: number): string | undefined {
  const dash = ranges.stroke_dash[line % ranges.stroke_dash.length];
  return line === 0 || dash === undefined ? undefined : dash.map((part) => part * 0.9).join(' ');
}

/** A legend for what varies; none for the work tree alone. */
export function legendOf(chart: Chart, mark: LegendEntry['mark']): LegendEntry[] {
  const many = chart.revisions.length > 1 || chart.revisions[0] !== 'workspace';
  const revisions = many
    ? chart.revisions.map((text, index): LegendEntry => ({ text, color: colorOf(index), mark }))
    : [];
  if (chart.lines.length <= 1) return revisions;
  const lines = chart.lines.map((text, index): LegendEntry => ({
    text,
    color: undefined,
    dash: dashOf(index),
    mark: 'line',
  }));
  return [...revisions, ...lines];
}

export function valuesOf(chart: Chart, field: string): PyValue[] {
  return chart.rows.flatMap((row) => {
    const value = row.get(field);
    return value === undefined || value === null ? [] : [value];
  });
}

/** How a series is called in tooltips. */
export function seriesName({ revision, line }: ChartSeries): string {
  return line === '' ? revision : `${revision} · ${line}`;
}
