import type { Spot } from './dag-columns.ts';
import { layOut, type DagLayout } from './dag-layout.ts';
import { splitView, type DagView } from './dag.ts';

/** Rows of a box: frame, name, frame. */
const boxHeight = 3;
/** Rows between two layers. */
const gap = 3;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Draws a graph with boxes and stars as DVC does, each connected part below the last; what is made first is on top. */
export function dagAscii(view: DagView): string {
  return splitView(view)
    .map((part) => draw(layOut(part.nodes, byConsumer(part))))
    .join('\n');
}

/** Edges in the order of the nodes that they lead to. */
function byConsumer(part: DagView): (readonly [string, string])[] {
  const into = new Map<string, (readonly [string, string])[]>(part.nodes.map((node) => [node, []]));
  for (const edge of part.edges) into.get(edge[1])?.push(edge);
  return [...into.values()].flat();
}

function draw({ boxes, ways }: DagLayout): string {
  const lines = ways.map(pointsOf);
  const points = lines.flat();
  const xs = [...boxes.flatMap((box) => [left(box), left(box) + box.width]), ...points.map(({ x }) => x)];
  const ys = [...boxes.flatMap((box) => [top(box), top(box) + boxHeight]), ...points.map(({ y }) => y)];
  const [minX, maxX] = [least(xs), -least(xs.map((x) => -x))];
  const [minY, maxY] = [least(ys), -least(ys.map((y) => -y))];
  const canvas = new Canvas(Math.ceil(maxX) - Math.floor(minX) + 1, round(maxY - minY));
  for (const line of lines) {
    for (const [i, end] of line.entries()) {
      const start = line[i - 1];
      if (start === undefined) continue;
      canvas.line(round(start.x - minX), round(start.y - minY), round(end.x - minX), round(end.y - minY));
    }
  }
  // Over the lines, which begin inside of the boxes.
  for (const box of boxes) canvas.box(round(left(box) - minX), round(top(box) - minY), box.name);
  return canvas.text();
}

function left(box: Spot): number {
  return box.x - box.width / 2;
}

function top(box: Spot): number {
  return box.layer * (boxHeight + gap) + boxHeight / 2;
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

/** The way of an edge from frame to frame. Lines lead to what the layout calls a centre: the first row of a box. */
function pointsOf(way: readonly Spot[]): Point[] {
  const points = way.map((each): Point => ({ x: each.x, y: top(each) }));
  const [first, last] = [way[0], way.at(-1)];
  const [second, beforeLast] = [points[1], points.at(-2)];
  if (first === undefined || last === undefined || second === undefined || beforeLast === undefined) return [];
  return [onFrame(first, second), ...points.slice(1, -1), onFrame(last, beforeLast)];
}

/** Where the line from a box's centre to a point leaves the box. */
function onFrame(box: Spot, towards: Point): Point {
  const [dx, dy] = [towards.x - box.x, towards.y - top(box)];
  const [halfWidth, halfHeight] = [Math.floor(box.width / 2), Math.floor(boxHeight / 2)];
  const sides = [
    [-halfWidth, -halfHeight, halfWidth, -halfHeight],
    [halfWidth, -halfHeight, halfWidth, halfHeight],
    [-halfWidth, halfHeight, halfWidth, halfHeight],
    [-halfWidth, halfHeight, -halfWidth, -halfHeight],
  ] as const;
  for (const [x1, y1, x2, y2] of sides) {
    const [sideX, sideY] = [x2 - x1, y2 - y1];
    const cross = dx * sideY - dy * sideX;
    if (cross === 0) continue;
    const alongSide = (x1 * dy - y1 * dx) / cross;
    const along = (x1 * sideY - y1 * sideX) / cross;
    if (alongSide < 0 || alongSide > 1 || along < 0 || along > 1) continue;
    return { x: along * dx + box.x, y: along * dy + top(box) };
  }
  return { x: box.x, y: top(box) };
}

/** The nearest integer, of two the even one: as Python rounds. */
function round(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

class Canvas {
  readonly #rows: string[][];

  constructor(columns: number, rows: number) {
    this.#rows = Array.from({ length: rows }, () => Array.from({ length: columns }, () => ' '));
  }

  text(): string {
    return this.#rows.map((row) => row.join('')).join('\n');
  }

  #put(x: number, y: number, character: string): void {
    const row = this.#rows[y];
    if (row?.[x] !== undefined) row[x] = character;
  }

  line(fromX: number, fromY: number, toX: number, toY: number): void {
    if (fromX > toX) return this.line(toX, toY, fromX, fromY);
    const [dx, dy] = [toX - fromX, toY - fromY];
    if (dx >= Math.abs(dy)) {
      for (let x = fromX; x <= toX; x++) this.#put(x, fromY + (dx === 0 ? 0 : round(((x - fromX) * dy) / dx)), '*');
      return;
    }
    const [upperX, upperY, lowerY] = fromY < toY ? [fromX, fromY, toY] : [toX, toY, fromY];
    for (let y = upperY; y <= lowerY; y++) this.#put(upperX + round(((y - upperY) * dx) / dy), y, '*');
  }

  box(x: number, y: number, name: string): void {
    const characters = Array.from(name);
    const frame = `+${'-'.repeat(characters.length + 2)}+`;
    for (const [row, content] of [
      Array.from(frame),
      ['|', ' ', ...characters, ' ', '|'],
      Array.from(frame),
    ].entries()) {
      for (const [i, character] of content.entries()) this.#put(x + i, y + row, character);
    }
  }
}
