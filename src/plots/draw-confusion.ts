import type { PyMap } from '../base/index.ts';
import type { Chart } from './chart.ts';
import { bottomAxis, bottomRoom, drawing, leftAxis, leftRoom, type Area } from './frame.ts';
import { bandScale, categoryOf, sortedCategories, type Scale } from './scale.ts';
import { element, textAt, tooltip, truncate } from './svg.ts';

export interface ConfusionOptions {
  /** Shares of each row instead of counts. */
  readonly normalized?: boolean;
}

/** How often each pair of categories occurs: a square for each revision and line. */
export function drawConfusion(chart: Chart, options: ConfusionOptions = {}): string {
  const xNames = sortedCategories(chart.rows.map((row) => row.get(chart.x) ?? null));
  const yNames = sortedCategories(chart.rows.map((row) => row.get(chart.y) ?? null));
  const size = Math.min(560, Math.max(300, Math.max(xNames.length, yNames.length) * 30));
  const left = leftRoom(yNames) + 4;
  const below = bottomRoom(xNames, size);
  const many = chart.revisions.length > 1 || chart.lines.length > 1 || chart.revisions[0] !== 'workspace';
  const panelTop = many ? 24 : 6;
  const [panelWidth, panelHeight] = [left + size + 14, panelTop + size + below];
  const panels = chart.lines.flatMap((line, row) =>
    chart.revisions.map((revision, column) => {
      const area: Area = {
        left: column * panelWidth + left,
        right: column * panelWidth + left + size,
        top: 34 + row * panelHeight + panelTop,
        bottom: 34 + row * panelHeight + panelTop + size,
      };
      const name = truncate(line === '' ? revision : `${revision} · ${line}`, 44);
      const heading = many
        ? textAt((area.left + area.right) / 2, area.top - 8, name, { class: 'label', 'text-anchor': 'middle' })
        : '';
      const rows = chart.rows.filter((item) => categoryOf(item.get('rev')) === revision && chart.lineOf(item) === line);
      return heading + drawMatrix(chart, rows, { xNames, yNames, area, normalized: options.normalized === true });
    }),
  );
  const width = Math.max(320, chart.revisions.length * panelWidth);
  return drawing(width, 34 + chart.lines.length * panelHeight + 4, chart.title, panels);
}

interface Matrix {
  readonly xNames: readonly string[];
  readonly yNames: readonly string[];
  readonly area: Area;
  readonly normalized: boolean;
}

function drawMatrix(chart: Chart, rows: readonly PyMap[], matrix: Matrix): string {
  const { area, xNames, yNames } = matrix;
  const counts = new Map<string, Map<string, number>>(yNames.map((name) => [name, new Map()]));
  for (const row of rows) {
    const line = counts.get(categoryOf(row.get(chart.y)));
    const name = categoryOf(row.get(chart.x));
    line?.set(name, (line.get(name) ?? 0) + 1);
  }
  const most = Math.max(1, ...[...counts.values()].flatMap((line) => [...line.values()]));
  const x = bandScale(xNames, area.left, area.right);
  const y = bandScale(yNames, area.top, area.bottom);
  const cells = yNames.flatMap((yName) => {
    const line = counts.get(yName) ?? new Map<string, number>();
    const total = [...line.values()].reduce((sum, count) => sum + count, 0);
    return xNames.map((xName) => {
      const count = line.get(xName) ?? 0;
      const share = matrix.normalized ? (total === 0 ? 0 : count / total) : count / most;
      const shown = matrix.normalized ? share.toFixed(2) : String(count);
      return drawCell(
        x,
        y,
        { xName, yName, share, shown },
        `${chart.xLabel}: ${xName}\n${chart.yLabel}: ${yName}\n${shown}`,
      );
    });
  });
  return [...cells, bottomAxis(area, x, chart.xLabel, false), leftAxis(area, y, chart.yLabel, false)].join('');
}

interface Cell {
  readonly xName: string;
  readonly yName: string;
  readonly share: number;
  readonly shown: string;
}

function drawCell(x: Scale, y: Scale, cell: Cell, text: string): string {
  const [atX, atY] = [x.at(cell.xName) ?? 0, y.at(cell.yName) ?? 0];
  const box = { x: atX - x.band / 2, y: atY - y.band / 2, width: x.band, height: y.band };
  const color = element('rect', { class: 'cell', ...box, 'fill-opacity': Math.round(cell.share * 1000) / 1000 });
  const back = element('rect', { class: 'cellbox', ...box });
  const readable = x.band >= 18 && y.band >= 12;
  const strong = cell.share > 0.5 ? ' strong' : '';
  const number = readable && cell.share > 0 ? textAt(atX, atY + 4, cell.shown, { class: `count${strong}` }) : '';
  return element('g', {}, tooltip(text), back, color, number);
}
