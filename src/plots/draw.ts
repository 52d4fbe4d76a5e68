import type { PyMap, PyValue } from '../base/index.ts';
import { chartOf } from './chart.ts';
import { drawBars } from './draw-bars.ts';
import { drawConfusion } from './draw-confusion.ts';
import { drawLines } from './draw-lines.ts';
import { drawPoints } from './draw-points.ts';
import type { PlotContent } from './fill.ts';

/** A picture of a plot; `approximate` when it follows a template of the user only in kind. */
export interface Drawing {
  readonly svg: string;
  readonly approximate: boolean;
}

/**
 * Draws a plot as SVG, without a browser: built-in templates in full, a template of the user by its kind of
 * mark (line, point, bar, rect). Undefined for a template that cannot be drawn here.
 *
 * @param template name of the built-in template, or the user's own specification.
 */
export function drawPlot(template: string | PyMap, content: PlotContent): Drawing | undefined {
  const kind = typeof template === 'string' ? template : kindOf(template);
  const draw = kind === undefined ? undefined : drawers[kind];
  if (draw === undefined || content.rows.length === 0) return undefined;
  return { svg: draw(content), approximate: typeof template !== 'string' };
}

const drawers: Readonly<Record<string, (content: PlotContent) => string>> = {
  simple: (content) => drawLines(chartOf(content)),
  linear: (content) => drawLines(chartOf(content)),
  smooth: (content) => drawLines(chartOf(content), { smooth: true }),
  scatter: (content) => drawPoints(chartOf(content)),
  scatter_jitter: (content) => drawPoints(chartOf(content), { jitter: true }),
  bar_horizontal: (content) => drawBars(chartOf(content)),
  bar_horizontal_sorted: (content) => drawBars(chartOf(content), { sorted: true }),
  confusion: (content) => drawConfusion(chartOf(content)),
  confusion_normalized: (content) => drawConfusion(chartOf(content), { normalized: true }),
};

const kinds: Readonly<Record<string, string>> = {
  line: 'simple',
  area: 'simple',
  point: 'scatter',
  circle: 'scatter',
  square: 'scatter',
  bar: 'bar_horizontal',
  rect: 'confusion',
};

/** The built-in template whose picture comes nearest: by the first mark that is found. */
function kindOf(spec: PyMap): string | undefined {
  const mark = spec.get('mark');
  const name = mark instanceof Map ? mark.get('type') : mark;
  if (typeof name === 'string') return kinds[name];
  const inner: PyValue[] = [spec.get('spec') ?? null, ...listOf(spec.get('layer'))];
  for (const item of inner) {
    const found = item instanceof Map ? kindOf(item) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function listOf(value: PyValue | undefined): readonly PyValue[] {
  return Array.isArray(value) ? value : [];
}
