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

/** Colors and type of all drawings, light and dark; `:where` lets a page override them. */
export const drawingStyle = `:where(svg.plot){--ink:#1f2328;--muted:#667085;--grid:#e6e8ec;--axis:#b8bec8;--paper:#ffffff;--accent:#7c4dcc}
@media (prefers-color-scheme:dark){:where(svg.plot){--ink:#e6e8eb;--muted:#98a2b3;--grid:#2b313b;--axis:#4b5563;--paper:#161a20;--accent:#a883ef}}
svg.plot{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
svg.plot text{fill:var(--muted)}svg.plot .title{fill:var(--ink);font-size:14px;font-weight:600}
svg.plot .label{fill:var(--ink)}svg.plot .grid{stroke:var(--grid)}svg.plot .axis{stroke:var(--axis)}
svg.plot .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}svg.plot .faint{opacity:.28;stroke-width:1.5}
svg.plot .mark{fill-opacity:.55;stroke-width:1.2}svg.plot .end{stroke:var(--paper);stroke-width:1.5}
svg.plot .hit{fill:transparent}svg.plot .hit:hover{fill:var(--ink);fill-opacity:.1}
svg.plot .cell{fill:var(--accent)}svg.plot .cellbox{stroke:var(--paper);fill:var(--grid);fill-opacity:.35}svg.plot .frame{fill:none;stroke:var(--axis)}
svg.plot .count{fill:var(--ink);text-anchor:middle}svg.plot .count.strong{fill:#fff}`;
