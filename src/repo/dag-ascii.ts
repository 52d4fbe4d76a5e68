import { splitView, type DagView } from './dag.ts';

/** Rows between two layers of boxes. */
const gap = 3;

interface Placed {
  readonly name: string;
  readonly layer: number;
  /** Boxes have text; the others are bends of edges that pass a layer. */
  readonly width: number;
  /** Centre column. */
  x: number;
}

/** Draws a graph with boxes and stars, each connected part below the last; what is made first is on top. */
export function dagAscii(view: DagView): string {
  return splitView(view).map(drawPart).join('\n');
}

function drawPart(part: DagView): string {
  const layers = layerOf(part);
  const placed = new Map<string, Placed>();
  const rows: Placed[][] = [];
  const add = (name: string, layer: number, width: number): Placed => {
    const item = { name, layer, width, x: 0 };
    placed.set(name, item);
    (rows[layer] ??= []).push(item);
    return item;
  };
  for (const node of part.nodes) add(node, layers.get(node) ?? 0, node.length + 4);
  const links: [Placed, Placed][] = [];
  for (const [from, to] of part.edges) {
    let last = placed.get(from);
    for (let layer = (layers.get(from) ?? 0) + 1; layer < (layers.get(to) ?? 0); layer++) {
      const bend = add(`${from}\0${to}\0${layer}`, layer, 1);
      if (last !== undefined) links.push([last, bend]);
      last = bend;
    }
    const end = placed.get(to);
    if (last !== undefined && end !== undefined) links.push([last, end]);
  }
  arrange(rows, links);
  return paint(rows, links);
}

/** Layers by the longest way from a node that needs nothing. */
function layerOf(part: DagView): Map<string, number> {
  const layers = new Map<string, number>(part.nodes.map((node) => [node, 0]));
  const consumers = new Map<string, string[]>(part.nodes.map((node) => [node, []]));
  const waiting = new Map<string, number>(part.nodes.map((node) => [node, 0]));
  for (const [from, to] of part.edges) {
    consumers.get(from)?.push(to);
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
  }
  const ready = part.nodes.filter((node) => waiting.get(node) === 0);
  for (let node = ready.shift(); node !== undefined; node = ready.shift()) {
    for (const consumer of consumers.get(node) ?? []) {
      layers.set(consumer, Math.max(layers.get(consumer) ?? 0, (layers.get(node) ?? 0) + 1));
      const left = (waiting.get(consumer) ?? 1) - 1;
      waiting.set(consumer, left);
      if (left === 0) ready.push(consumer);
    }
  }
  return layers;
}

/** Orders each layer by the middle of its neighbours, then gives columns without overlap. */
function arrange(rows: readonly Placed[][], links: readonly (readonly [Placed, Placed])[]): void {
  const neighbours = new Map<Placed, { above: Placed[]; below: Placed[] }>();
  const of = (item: Placed): { above: Placed[]; below: Placed[] } => {
    const known = neighbours.get(item) ?? { above: [], below: [] };
    neighbours.set(item, known);
    return known;
  };
  for (const [from, to] of links) {
    of(from).below.push(to);
    of(to).above.push(from);
  }
  for (const row of rows) spread(row);
  const middle = (items: readonly Placed[], otherwise: number): number =>
    items.length === 0 ? otherwise : items.reduce((sum, item) => sum + item.x, 0) / items.length;
  for (let round = 0; round < 8; round++) {
    const downwards = round % 2 === 0;
    for (const row of downwards ? rows : [...rows].reverse()) {
      const wish = new Map(row.map((item) => [item, middle(downwards ? of(item).above : of(item).below, item.x)]));
      row.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      place(row, (item) => wish.get(item) ?? item.x);
    }
  }
}

function spread(row: readonly Placed[]): void {
  let x = 0;
  for (const item of row) {
    item.x = x + item.width / 2;
    x += item.width + 2;
  }
}

/** Puts each item where it wants to be, moving it right as far as its left neighbour demands, then re-centres. */
function place(row: readonly Placed[], wish: (item: Placed) => number): void {
  let free = Number.NEGATIVE_INFINITY;
  let shift = 0;
  for (const item of row) {
    const wanted = wish(item);
    item.x = Math.max(wanted, free + item.width / 2);
    shift += item.x - wanted;
    free = item.x + item.width / 2 + 2;
  }
  const back = shift / Math.max(1, row.length);
  for (const item of row) item.x -= back;
}

function paint(rows: readonly Placed[][], links: readonly (readonly [Placed, Placed])[]): string {
  const all = rows.flat();
  const left = Math.min(...all.map((item) => item.x - item.width / 2));
  const right = Math.max(...all.map((item) => item.x + item.width / 2));
  const height = rows.length * (3 + gap) - gap;
  const canvas = Array.from({ length: height }, () => Array.from({ length: Math.ceil(right - left) + 2 }, () => ' '));
  const put = (x: number, y: number, character: string): void => {
    const line = canvas[y];
    if (line !== undefined && x >= 0 && x < line.length) line[x] = character;
  };
  const column = (item: Placed): number => Math.round(item.x - left);
  const top = (item: Placed): number => item.layer * (3 + gap);
  for (const [from, to] of links) {
    const start = top(from) + (from.width === 1 ? 1 : 3);
    const end = top(to) + (to.width === 1 ? 0 : -1);
    const steps = Math.max(1, end - start);
    for (let y = start; y <= end; y++) {
      put(Math.round(column(from) + ((column(to) - column(from)) * (y - start)) / steps), y, '*');
    }
    if (from.width === 1) put(column(from), top(from), '*');
  }
  for (const item of all)
    if (item.width > 1) box(put, Math.round(item.x - item.width / 2 - left), top(item), item.name);
  return canvas.map((line) => line.join('').trimEnd()).join('\n');
}

function box(put: (x: number, y: number, character: string) => void, x: number, y: number, text: string): void {
  const edge = `+${'-'.repeat(text.length + 2)}+`;
  for (const [row, content] of [edge, `| ${text} |`, edge].entries()) {
    for (const [index, character] of Array.from(content).entries()) put(x + index, y + row, character);
  }
}
