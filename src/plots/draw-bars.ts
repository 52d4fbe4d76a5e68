import { colorOf, legendOf, valuesOf, type Chart } from './chart.ts';
import { bottomAxis, drawing, leftAxis, leftRoom, legend, type Area } from './frame.ts';
import { bandScale, categoryOf, linearScale, sortedCategories, toNumber, type Scale } from './scale.ts';
import { element, textAt, tooltip, truncate } from './svg.ts';

export interface BarOptions {
  /** Longest bars first. */
  readonly sorted?: boolean;
}

const panelWidth = 360;
const barHeight = 16;
/** A page of more bars than this helps nobody. */
const mostBars = 200;

/** A horizontal bar for each category, one below the other for the revisions; a panel for each line. */
export function drawBars(chart: Chart, options: BarOptions = {}): string {
  const totals = totalsOf(chart);
  const names = barNames(chart, totals, options.sorted === true);
  const shown = names.slice(0, mostBars);
  const left = leftRoom(shown) + 6;
  const width = Math.max(480, left + chart.lines.length * (panelWidth + 24) + 10);
  const key = legend(
    legendOf(chart, 'box').filter(({ mark }) => mark === 'box'),
    width,
    30,
  );
  const top = 40 + key.height + (chart.lines.length > 1 ? 18 : 0);
  const bottom = top + shown.length * (chart.revisions.length * barHeight + 8);
  const yScale = bandScale(shown, top, bottom);
  const values = [...totals.values()].flatMap((byName) => [...byName.values()]);
  const room = width - left - 18;
  const panels = chart.lines.map((line, index): string => {
    const from = left + (room / chart.lines.length) * index + (index > 0 ? 14 : 0);
    const area: Area = { left: from, top, right: left + (room / chart.lines.length) * (index + 1), bottom };
    const xScale = linearScale(values, { from: area.left, to: area.right, ticks: 5, zero: true });
    const name =
      line === ''
        ? ''
        : textAt((area.left + area.right) / 2, top - 8, truncate(line, 40), {
            class: 'label',
            'text-anchor': 'middle',
          });
    return name + bottomAxis(area, xScale, chart.xLabel, true) + drawPanel(chart, line, totals, xScale, yScale);
  });
  const whole: Area = { left, top, right: width - 18, bottom };
  const more =
    names.length > shown.length ? textAt(left, bottom + 54, `and ${names.length - shown.length} more, not drawn`) : '';
  const height = bottom + 44 + (more === '' ? 0 : 18);
  return drawing(width, height, chart.title, [
    key.markup,
    leftAxis(whole, yScale, chart.yLabel, false),
    ...panels,
    more,
  ]);
}

/** Revision and line to category to the sum of its rows. */
function totalsOf(chart: Chart): Map<string, Map<string, number>> {
  const totals = new Map<string, Map<string, number>>();
  for (const row of chart.rows) {
    const amount = toNumber(row.get(chart.x));
    if (amount === undefined) continue;
    const key = keyOf(categoryOf(row.get('rev')), chart.lineOf(row));
    const byName = totals.get(key) ?? new Map<string, number>();
    const name = categoryOf(row.get(chart.y));
    byName.set(name, (byName.get(name) ?? 0) + amount);
    totals.set(key, byName);
  }
  return totals;
}

function keyOf(revision: string, line: string): string {
  return `${revision}\n${line}`;
}

function barNames(chart: Chart, totals: ReadonlyMap<string, ReadonlyMap<string, number>>, sorted: boolean): string[] {
  const names = sortedCategories(valuesOf(chart, chart.y));
  if (!sorted) return names;
  const sums = new Map<string, number>();
  for (const byName of totals.values())
    for (const [name, amount] of byName) sums.set(name, (sums.get(name) ?? 0) + amount);
  return names.sort((a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0));
}

function drawPanel(
  chart: Chart,
  line: string,
  totals: ReadonlyMap<string, ReadonlyMap<string, number>>,
  x: Scale,
  y: Scale,
): string {
  const zero = x.at(0) ?? 0;
  const bars = chart.revisions.flatMap((revision, index) =>
    [...(totals.get(keyOf(revision, line)) ?? [])].map(([name, amount]) => {
      const middle = y.at(name);
      const end = x.at(amount) ?? zero;
      if (middle === undefined) return '';
      const at = middle + (index - chart.revisions.length / 2) * barHeight;
      const box = {
        x: Math.min(zero, end),
        y: at + 1,
        width: Math.max(1, Math.abs(end - zero)),
        height: barHeight - 2,
      };
      const text = `${name}\n${revision}: ${amount}`;
      return element('rect', { ...box, rx: 2, fill: colorOf(index) }, tooltip(text));
    }),
  );
  return bars.join('');
}
