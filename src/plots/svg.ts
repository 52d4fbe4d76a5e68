/** SVG as text: elements in, markup out. Numbers are cut to hundredths, which no eye can tell. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === 'number' ? short(value) : escapeMarkup(value)}"`],
  );
  const open = `<${name}${given.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

export function textAt(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeMarkup(text));
}

/** What a pointer that rests on an element shows. */
export function tooltip(text: string): string {
  return element('title', {}, escapeMarkup(text));
}

export function escapeMarkup(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // eslint-disable-next-line no-control-regex -- XML has no way to write these
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
  );
}

export function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A guess of a text's width in the font of our drawings, in pixels. */
export function textWidth(text: string, size = 11): number {
  return text.length * size * 0.56;
}

export function truncate(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, Math.max(1, characters - 1))}…`;
}

/** Rules of all drawings that do not depend on light and dark. */
const shape = `svg.plot{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
svg.plot .title{font-size:14px;font-weight:600}
svg.plot .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}svg.plot .faint{opacity:.28;stroke-width:1.5}
svg.plot .mark{fill-opacity:.55;stroke-width:1.2}svg.plot .end{stroke-width:1.5}
svg.plot .hit{fill-opacity:0}svg.plot .hit:hover{fill-opacity:.1}
svg.plot .cellbox{fill-opacity:.35}svg.plot .count{text-anchor:middle}`;

interface Palette {
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly axis: string;
  readonly paper: string;
  readonly accent: string;
}

/** Plain colors, no variables: image viewers and editors know those too. */
function colorRules({ ink, muted, grid, axis, paper, accent }: Palette): string {
  return [
    `svg.plot text{fill:${muted}}svg.plot .title,svg.plot .label,svg.plot .count{fill:${ink}}`,
    `svg.plot .count.strong{fill:#fff}svg.plot .grid{stroke:${grid}}svg.plot .axis{stroke:${axis}}`,
    `svg.plot .end,svg.plot .cellbox{stroke:${paper}}svg.plot .cellbox{fill:${grid}}`,
    `svg.plot .back{fill:${paper}}svg.plot .cell{fill:${accent}}svg.plot .hit{fill:${ink}}svg.plot .neutral{stroke:${muted}}`,
  ].join('');
}

const light: Palette = {
  ink: '#1f2328',
  muted: '#667085',
  grid: '#e6e8ec',
  axis: '#b8bec8',
  paper: '#ffffff',
  accent: '#7c4dcc',
};
const dark: Palette = {
  ink: '#e6e8eb',
  muted: '#98a2b3',
  grid: '#2b313b',
  axis: '#4b5563',
  paper: '#161a20',
  accent: '#a883ef',
};

/** Colors and type of all drawings, for light and dark surroundings. */
export const drawingStyle = `${shape}\n${colorRules(light)}\n@media (prefers-color-scheme:dark){${colorRules(dark)}}`;
