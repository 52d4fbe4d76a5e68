import { plural } from '../base/index.ts';
import { escapeMarkup, renderPage } from '../plots/index.ts';
import { gapsOf, type LineageGraph, type LineageNode } from './graph.ts';

/** Sizes in pixels. */
const box = { width: 210, height: 44, gapX: 70, gapY: 18 } as const;
const margin = 16;
/** Characters that fit into a box. */
const fits = 30;
/** More things than these are listed, not drawn. */
const mostDrawn = 400;

/** The graph as one page that needs nothing but itself: a drawing, the things with what is known of them, the gaps. */
export function toPage(graph: LineageGraph, title: string): string {
  const gaps = gapsOf(graph);
  const names = new Map(graph.nodes.map((node) => [node.id, node.name]));
  const isDrawn = graph.nodes.length <= mostDrawn;
  return renderPage({
    title,
    subtitle: `${plural(graph.nodes.length, 'thing')}, ${plural(gaps.length, 'gap')}`,
    items: [
      {
        kind: 'drawing',
        id: graph.direction === 'up' ? 'what it came of' : 'what came of it',
        svg: isDrawn ? draw(graph) : undefined,
        ...(isDrawn ? {} : { remark: `${graph.nodes.length} things are too many to draw: they are listed below` }),
      },
      ...(gaps.length === 0
        ? []
        : [
            {
              kind: 'table' as const,
              id: 'gaps',
              words: true,
              header: ['thing', 'what is not known'],
              rows: gaps.map(({ id, gap }) => [names.get(id) ?? id, gap]),
            },
          ]),
      { kind: 'table', id: 'things', words: true, header: ['thing', 'kind', 'known'], rows: graph.nodes.map(row) },
    ],
  });
}

function row(node: LineageNode): string[] {
  const facts = Object.entries(node.facts).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [node.name, node.kind, facts.join('; ').slice(0, 2000)];
}

function draw(graph: LineageGraph): string {
  const columns = layout(graph);
  const rows = Math.max(1, ...columns.map((column) => column.length));
  const places = new Map<string, { x: number; y: number }>();
  for (const [x, column] of columns.entries()) {
    const top = ((rows - column.length) * (box.height + box.gapY)) / 2;
    for (const [y, id] of column.entries()) {
      places.set(id, {
        x: margin + x * (box.width + box.gapX),
        y: margin + top + y * (box.height + box.gapY),
      });
    }
  }
  const width = 2 * margin + columns.length * (box.width + box.gapX) - box.gapX;
  const height = 2 * margin + rows * (box.height + box.gapY) - box.gapY;
  const lines = graph.edges.flatMap(({ from, to }) => {
    const [a, b] = [places.get(from), places.get(to)];
    if (a === undefined || b === undefined) return [];
    const [x1, y1, x2, y2] = [a.x + box.width, a.y + box.height / 2, b.x, b.y + box.height / 2];
    const middle = (x1 + x2) / 2;
    return [
      `<path d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}" fill="none" stroke="currentColor" opacity=".35"/>`,
    ];
  });
  const things = new Set(graph.things);
  const boxes = graph.nodes.flatMap((node) => {
    const place = places.get(node.id);
    if (place === undefined) return [];
    const dash = node.gaps.length > 0 ? ' stroke-dasharray="4 3"' : '';
    const stroke = things.has(node.id) ? 2 : 1;
    const name = node.name.length > fits ? `…${node.name.slice(1 - fits)}` : node.name;
    return [
      `<g><title>${escapeMarkup([node.id, ...node.gaps].join('\n'))}</title>` +
        `<rect x="${place.x}" y="${place.y}" width="${box.width}" height="${box.height}" rx="7" fill="none" stroke="currentColor" stroke-width="${stroke}"${dash}/>` +
        `<text x="${place.x + 10}" y="${place.y + 17}" font-size="10" fill="currentColor" opacity=".65">${node.kind}</text>` +
        `<text x="${place.x + 10}" y="${place.y + 33}" font-size="12" fill="currentColor">${escapeMarkup(name)}</text></g>`,
    ];
  });
  return `<svg class="plot" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui,sans-serif" role="img" aria-label="lineage">${lines.join('')}${boxes.join('')}</svg>`;
}

/** Ids by column: each stands right of all that it came of. */
function layout(graph: LineageGraph): string[][] {
  const causes = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]));
  for (const { from, to } of graph.edges) if (from !== to) causes.get(to)?.push(from);
  const columnOf = new Map<string, number>();
  // Each round moves what is too far left; a circle, which only clocks and hands can make, ends with the rounds.
  for (const node of graph.nodes) columnOf.set(node.id, 0);
  for (let round = 0, moved = true; moved && round < graph.nodes.length; round++) {
    moved = false;
    for (const [id, list] of causes) {
      const column = Math.max(-1, ...list.map((cause) => columnOf.get(cause) ?? 0)) + 1;
      if (column > (columnOf.get(id) ?? 0)) {
        columnOf.set(id, column);
        moved = true;
      }
    }
  }
  // What came of nothing stands beside what first came of it: the code of a stage by the stage.
  for (const [id, list] of causes) {
    const effects = graph.edges.filter(({ from, to }) => from === id && to !== id);
    if (list.length > 0 || effects.length === 0) continue;
    columnOf.set(id, Math.max(0, Math.min(...effects.map(({ to }) => columnOf.get(to) ?? 0)) - 1));
  }
  const columns: string[][] = [];
  for (const [id, column] of columnOf) (columns[column] ??= []).push(id);
  return Array.from(columns, (column) => column ?? []);
}
