import type { Scale } from './scale.ts';
import { drawingStyle, element, textAt, textWidth, truncate } from './svg.ts';

/** The area of a drawing that data goes to, in pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface LegendEntry {
  readonly text: string;
  readonly color: string | undefined;
  readonly dash?: string | undefined;
  readonly mark: 'line' | 'box' | 'point';
}

/** A whole drawing: markup with its own style, of a size that a page may scale. */
export function drawing(width: number, height: number, title: string, parts: readonly string[]): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'plot',
      viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
      width: Math.ceil(width),
      height: Math.ceil(height),
      role: 'img',
      'aria-label': title,
    },
    element('style', {}, drawingStyle),
    // A drawing brings its own ground: it may stand on any page.
    element('rect', { class: 'back', width: '100%', height: '100%' }),
    textAt(width / 2, 22, truncate(title, Math.floor(width / 8)), { class: 'title', 'text-anchor': 'middle' }),
    ...parts,
  );
}

/** Grid, axis line, tick texts and label below the area. */
export function bottomAxis(area: Area, scale: Scale, label: string, grid: boolean): string {
  const room = (area.right - area.left) / Math.max(1, scale.ticks.length);
  const longest = Math.max(0, ...scale.ticks.map(({ text }) => text.length));
  const tilted = scale.kind === 'band' && textWidth('0'.repeat(Math.min(longest, 14))) > room - 4;
  const shown = tilted ? thin(scale.ticks, Math.ceil(14 / Math.max(1, room))) : scale.ticks;
  const texts = shown.map(({ at, text }) => {
    const y = area.bottom + 16;
    if (!tilted) return textAt(at, y, truncate(text, 16), { 'text-anchor': 'middle' });
    const turn = `rotate(-40 ${at.toFixed(1)} ${y - 4})`;
    return textAt(at + 3, y - 4, truncate(text, 14), { 'text-anchor': 'end', transform: turn });
  });
  const lines = grid
    ? scale.ticks.map(({ at }) => element('line', { class: 'grid', x1: at, x2: at, y1: area.top, y2: area.bottom }))
    : [];
  const axis = element('line', { class: 'axis', x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom });
  const labelY = area.bottom + (tilted ? 30 + Math.min(longest, 14) * 4.2 : 36);
  const name = textAt((area.left + area.right) / 2, labelY, truncate(label, 48), {
    class: 'label',
    'text-anchor': 'middle',
  });
  return [...lines, axis, ...texts, name].join('');
}

/** Space that the axis below needs. */
export function bottomRoom(names: readonly string[] | undefined, width: number): number {
  if (names === undefined) return 44;
  const longest = Math.min(14, Math.max(0, ...names.map((name) => name.length)));
  return textWidth('0'.repeat(longest)) > width / Math.max(1, names.length) - 4 ? 40 + longest * 4.2 : 44;
}

/** Grid, tick texts and label at the left of the area. */
export function leftAxis(area: Area, scale: Scale, label: string, grid: boolean): string {
  const every = Math.ceil(12 / Math.max(1, Math.abs((area.bottom - area.top) / Math.max(1, scale.ticks.length))));
  const texts = thin(scale.ticks, every).map(({ at, text }) =>
    textAt(area.left - 7, at + 3.8, truncate(text, 18), { 'text-anchor': 'end' }),
  );
  const lines = grid
    ? scale.ticks.map(({ at }) => element('line', { class: 'grid', x1: area.left, x2: area.right, y1: at, y2: at }))
    : [];
  const middle = (area.top + area.bottom) / 2;
  const longest = Math.max(0, ...scale.ticks.map(({ text }) => textWidth(truncate(text, 18))));
  const x = area.left - longest - 16;
  const name = textAt(x, middle, truncate(label, 40), {
    class: 'label',
    'text-anchor': 'middle',
    transform: `rotate(-90 ${x.toFixed(1)} ${middle.toFixed(1)})`,
  });
  return [...lines, ...texts, name].join('');
}

/** Space that the axis at the left needs. */
export function leftRoom(ticks: readonly string[]): number {
  return Math.max(0, ...ticks.map((text) => textWidth(truncate(text, 18)))) + 30;
}

/** Entries in lines of the given width, centred; its height comes with it. */
export function legend(
  entries: readonly LegendEntry[],
  width: number,
  top: number,
): { markup: string; height: number } {
  if (entries.length === 0) return { markup: '', height: 0 };
  const lines: LegendEntry[][] = [[]];
  let used = 0;
  for (const entry of entries) {
    const wanted = entryWidth(entry);
    if (used + wanted > width - 24 && used > 0) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)?.push(entry);
    used += wanted;
  }
  const markup = lines.map((line, index) => {
    let x = (width - line.reduce((sum, entry) => sum + entryWidth(entry), -16)) / 2;
    const y = top + 12 + index * 18;
    return line
      .map((entry) => {
        const part = legendMark(entry, x, y) + textAt(x + 24, y + 3.8, truncate(entry.text, 40));
        x += entryWidth(entry);
        return part;
      })
      .join('');
  });
  return { markup: markup.join(''), height: lines.length * 18 + 8 };
}

function entryWidth(entry: LegendEntry): number {
  return 24 + textWidth(truncate(entry.text, 40)) + 16;
}

function legendMark({ mark, color, dash }: LegendEntry, x: number, y: number): string {
  if (mark === 'box') return element('rect', { x: x + 5, y: y - 6, width: 12, height: 12, rx: 2, fill: color });
  if (mark === 'point')
    return element('circle', { class: 'mark', cx: x + 11, cy: y, r: 4.5, fill: color, stroke: color });
  // A dash stands for itself in every color.
  const style = { class: color === undefined ? 'line neutral' : 'line', stroke: color, 'stroke-dasharray': dash };
  return element('line', { ...style, x1: x, x2: x + 18, y1: y, y2: y });
}

function thin<T>(items: readonly T[], every: number): readonly T[] {
  return every <= 1 ? items : items.filter((_, index) => index % every === 0);
}
