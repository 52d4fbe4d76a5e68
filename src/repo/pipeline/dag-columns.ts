/**
 * Columns of a layered drawing by Brandes and Köpf ("Fast and Simple Horizontal Coordinate Assignment", 2001): spots
 * are aligned with the median of their neighbours in four directions, and the two middle results are averaged.
 */
/** A box, or (without a name) the bend of an edge in a layer that it passes. Sizes and places in characters. */
export interface Spot {
  readonly name: string | undefined;
  readonly width: number;
  layer: number;
  /** Place within the layer, from the left. */
  position: number;
  /** What the order within a layer goes by. */
  weight: number;
  /** Neighbours in the layer above and in the one below. */
  readonly above: Spot[];
  readonly below: Spot[];
  /** Centre column. */
  x: number;
}

interface Block {
  root: Spot;
  align: Spot;
  sink: Spot;
  shift: number;
  x: number | undefined;
}

interface Direction {
  /** Whether neighbours are taken from the layer above, going down, or from the one below, going up. */
  readonly down: boolean;
  /** 1 when layers are gone through from the left. */
  readonly step: 1 | -1;
}

const directions: readonly Direction[] = [
  { down: true, step: 1 },
  { down: true, step: -1 },
  { down: false, step: 1 },
  { down: false, step: -1 },
];

/** Sets `x` of all spots. `space` is the least number of columns between two spots of a layer. */
export function columnsOf(layers: readonly Spot[][], space: number): void {
  const crossed = passedBends(layers);
  const found = new Map<Spot, number[]>(layers.flat().map((each) => [each, []]));
  for (const direction of directions) {
    const walk = direction.down ? layers : [...layers].reverse();
    const blocks = new Map<Spot, Block>();
    for (const each of layers.flat()) {
      blocks.set(each, { root: each, align: each, sink: each, shift: Number.POSITIVE_INFINITY, x: undefined });
    }
    align(walk, direction, crossed, blocks);
    compact(walk, layers, direction, space, blocks, found);
  }
  for (const [each, results] of found) {
    results.sort((a, b) => a - b);
    each.x = ((results[1] ?? 0) + (results[2] ?? 0)) / 2;
  }
}

/** Links that cross the inner part of a long edge: those are not to be aligned. */
function passedBends(layers: readonly Spot[][]): Map<Spot, Set<Spot>> {
  const crossed = new Map<Spot, Set<Spot>>();
  for (const [i, layer] of layers.entries()) {
    const above = layers[i - 1];
    if (above === undefined) continue;
    let from = 0;
    let done = 0;
    for (const [place, bend] of layer.entries()) {
      if (bend.name !== undefined) continue;
      const upper = bend.above[0];
      const inner = upper !== undefined && upper.name === undefined;
      if (place !== layer.length - 1 && !inner) continue;
      const until = inner ? upper.position : above.length - 1;
      for (const each of layer.slice(done, place + 1)) {
        for (const other of each.above) {
          if (other.position >= from && other.position <= until) continue;
          const known = crossed.get(other) ?? new Set();
          crossed.set(other, known.add(each));
        }
      }
      done = place + 1;
      from = until;
    }
  }
  return crossed;
}

function align(
  walk: readonly Spot[][],
  { down, step }: Direction,
  crossed: ReadonlyMap<Spot, ReadonlySet<Spot>>,
  blocks: ReadonlyMap<Spot, Block>,
): void {
  for (const [i, layer] of walk.entries()) {
    if (i === 0) continue;
    let last: number | undefined;
    for (const each of directed(layer, step)) {
      const own = of(blocks, each);
      for (const other of medians(down ? each.above : each.below, step)) {
        if (own.align !== each) continue;
        const isCrossed = (down ? crossed.get(other)?.has(each) : crossed.get(each)?.has(other)) === true;
        if (isCrossed || (last !== undefined && step * last >= step * other.position)) continue;
        const theirs = of(blocks, other);
        theirs.align = each;
        own.root = theirs.root;
        own.align = own.root;
        last = other.position;
      }
    }
  }
}

/** The neighbour in the middle, or both that are nearest to it. */
function medians(neighbours: readonly Spot[], step: 1 | -1): Spot[] {
  if (neighbours.length === 0) return [];
  const sorted = directed(
    [...neighbours].sort((a, b) => a.position - b.position),
    step,
  );
  const at = Math.floor((sorted.length - 1) / 2);
  return sorted.slice(at, sorted.length % 2 === 1 ? at + 1 : at + 2);
}

function compact(
  walk: readonly Spot[][],
  layers: readonly Spot[][],
  { step }: Direction,
  space: number,
  blocks: ReadonlyMap<Spot, Block>,
  found: ReadonlyMap<Spot, number[]>,
): void {
  const place = (start: Spot): void => {
    const block = of(blocks, start);
    if (block.x !== undefined) return;
    block.x = 0;
    let each = start;
    do {
      const before = layers[each.layer]?.[each.position - step];
      if (before !== undefined) {
        const apart = space + (before.width + each.width) / 2;
        const root = of(blocks, before).root;
        place(root);
        const theirs = of(blocks, root);
        if (block.sink === start) block.sink = theirs.sink;
        const at = (theirs.x ?? 0) + apart;
        if (block.sink === theirs.sink) block.x = Math.max(block.x, at);
        else {
          const sink = of(blocks, theirs.sink);
          sink.shift = Math.min(sink.shift, block.x - at);
        }
      }
      each = of(blocks, each).align;
    } while (each !== start);
  };
  for (const layer of walk) {
    for (const each of directed(layer, step)) if (of(blocks, each).root === each) place(each);
  }
  for (const each of layers.flat()) {
    const root = of(blocks, of(blocks, each).root);
    const { shift } = of(blocks, root.sink);
    found.get(each)?.push(step * ((root.x ?? 0) + (shift === Number.POSITIVE_INFINITY ? 0 : shift)));
  }
}

function directed<T>(items: readonly T[], step: 1 | -1): readonly T[] {
  return step === 1 ? items : [...items].reverse();
}

function of(blocks: ReadonlyMap<Spot, Block>, each: Spot): Block {
  const block = blocks.get(each);
  if (block === undefined) throw new Error('a spot without a block');
  return block;
}
