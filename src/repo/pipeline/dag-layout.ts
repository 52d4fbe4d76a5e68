/**
 * A layered drawing of a connected graph (Sugiyama's method), the way DVC's `dag` lays its boxes out: layers by the
 * longest way from the top, bends where an edge passes a layer, orders within layers by the mean of the neighbours,
 * columns by the method of Brandes and Köpf. The steps and their tie-breaks follow DVC's, so that the pictures agree.
 */
import { columnsOf, type Spot } from './dag-columns.ts';

export interface DagLayout {
  readonly boxes: readonly (Spot & { readonly name: string })[];
  /** Each edge as the spots it goes through, boxes at both ends. */
  readonly ways: readonly (readonly Spot[])[];
}

type Box = Spot & { readonly name: string };
interface Edge {
  from: Box;
  to: Box;
}

/**
 * @param names the nodes of one connected graph; widths count two characters around a name and its frame's left one
 * @param edges from what is above to what is below
 */
export function layOut(names: readonly string[], edges: readonly (readonly [from: string, to: string])[]): DagLayout {
  const boxes = new Map(names.map((name) => [name, spot(name, Array.from(name).length + 4) as Box]));
  const links = edges.flatMap(([a, b]): Edge[] => {
    const [from, to] = [boxes.get(a), boxes.get(b)];
    return from === undefined || to === undefined || from === to ? [] : [{ from, to }];
  });
  const ordered = joinOrder([...boxes.values()], links);
  const turned = turnCycles(ordered, links);
  const layers = rank(ordered, links);
  const bendWidth = median(ordered.map(({ width }) => width));
  const ways = links.map((link) => passLayers(link, layers, bendWidth));
  for (const layer of layers) number(layer);
  // One round down and up, then one down.
  order(layers);
  orderLayers(layers, 'above');
  columnsOf(layers, Math.min(...ordered.map(({ width }) => width)));
  return { boxes: ordered, ways: ways.map((way, i) => (turned.has(i) ? [...way].reverse() : way)) };
}

function spot(name: string | undefined, width: number, layer = 0): Spot {
  return { name, width, layer, position: 0, weight: 0, above: [], below: [], x: 0 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Boxes in the order in which the edges join them into one part. */
function joinOrder(boxes: readonly Box[], links: readonly Edge[]): Box[] {
  const part = new Map(boxes.map((box) => [box, [box]]));
  for (const { from, to } of links) {
    const [into, other] = [part.get(from), part.get(to)];
    if (into === undefined || other === undefined || into === other) continue;
    for (const box of other) {
      into.push(box);
      part.set(box, into);
    }
  }
  const [first] = boxes;
  return (first && part.get(first)) ?? [];
}

/** Turns the edges round that close a cycle (a collapsed group may have one). Gives their places in the list. */
function turnCycles(boxes: readonly Box[], links: readonly Edge[]): Set<number> {
  const state = new Map<Box, 'open' | 'done'>();
  const turned = new Set<number>();
  const visit = (box: Box): void => {
    state.set(box, 'open');
    for (const [i, { from, to }] of links.entries()) {
      if (from !== box) continue;
      if (!state.has(to)) visit(to);
      else if (state.get(to) === 'open') turned.add(i);
    }
    state.set(box, 'done');
  };
  const fed = new Set(links.map(({ to }) => to));
  for (const box of [...boxes.filter((each) => !fed.has(each)), ...boxes]) if (!state.has(box)) visit(box);
  for (const i of turned) {
    const link = links[i];
    if (link !== undefined) [link.from, link.to] = [link.to, link.from];
  }
  return turned;
}

/** Layers by the longest way from the top, then each box as far down as what it feeds allows. */
function rank(boxes: readonly Box[], links: readonly Edge[]): Spot[][] {
  const into = new Map<Spot, Box[]>(boxes.map((box) => [box, []]));
  const outOf = new Map<Spot, Box[]>(boxes.map((box) => [box, []]));
  for (const { from, to } of links) {
    into.get(to)?.push(from);
    outOf.get(from)?.push(to);
  }
  const layers: Spot[][] = [];
  const seen = new Set<Spot>();
  let ready = boxes.filter((box) => into.get(box)?.length === 0);
  while (ready.length > 0) {
    const next = new Set<Box>();
    for (const box of ready) {
      box.layer = Math.max(-1, ...(into.get(box) ?? []).map(({ layer }) => layer)) + 1;
      (layers[box.layer] ??= []).push(box);
      seen.add(box);
      for (const to of outOf.get(box) ?? []) if (into.get(to)?.every((from) => seen.has(from)) === true) next.add(to);
    }
    ready = [...next];
  }
  for (const layer of [...layers].reverse()) {
    for (const box of layer) {
      for (const from of into.get(box) ?? []) {
        if (outOf.get(from)?.every((to) => to.layer >= box.layer) !== true) continue;
        const old = layers[from.layer];
        old?.splice(old.indexOf(from), 1);
        from.layer = box.layer - 1;
        layers[from.layer]?.push(from);
      }
    }
  }
  return layers;
}

/** Puts a bend into each layer that the edge passes, and makes its spots neighbours. */
function passLayers({ from, to }: Edge, layers: readonly Spot[][], width: number): Spot[] {
  const way: Spot[] = [from];
  for (let layer = from.layer + 1; layer < to.layer; layer++) {
    const bend = spot(undefined, width, layer);
    layers[layer]?.push(bend);
    way.push(bend);
  }
  way.push(to);
  for (const [i, lower] of way.entries()) {
    const upper = way[i - 1];
    if (upper === undefined) continue;
    upper.below.push(lower);
    lower.above.push(upper);
  }
  return way;
}

function number(layer: readonly Spot[]): void {
  const step = layer.length > 1 ? 1 / (layer.length - 1) : 1;
  for (const [i, each] of layer.entries()) {
    each.position = i;
    each.weight = i * step;
  }
}

type Side = 'above' | 'below';

function order(layers: readonly Spot[][]): void {
  if (orderLayers(layers, 'above') > 0) orderLayers([...layers].reverse(), 'below');
}

/** Orders layer after layer by the neighbours on one side; gives the number of crossings that were left. */
function orderLayers(layers: readonly Spot[][], side: Side): number {
  let crossings = 0;
  for (const layer of layers) {
    if (countCrossings(layer, side) === 0) continue;
    for (const each of layer) {
      const weights = each[side].map(({ weight }) => weight);
      if (weights.length > 0) each.weight = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    }
    layer.sort((a, b) => a.weight - b.weight);
    crossings += swapNeighbours(layer, side);
    number(layer);
  }
  return crossings;
}

/** Crossings of the edges between a layer and the one on its `side`: inversions of the neighbours' places. */
function countCrossings(layer: readonly Spot[], side: Side): number {
  const sorted: number[] = [];
  let count = 0;
  for (const each of layer) {
    for (const place of each[side].map(({ position }) => position).sort((a, b) => a - b)) {
      let at = sorted.length;
      while (at > 0 && (sorted[at - 1] ?? 0) > place) at--;
      count += sorted.length - at;
      sorted.splice(at, 0, place);
    }
  }
  return count;
}

/** Swaps spots that stand side by side where that leaves fewer crossings between their edges. */
function swapNeighbours(layer: Spot[], side: Side): number {
  let crossings = 0;
  for (let i = 0; i + 1 < layer.length; i++) {
    const [left, right] = [layer[i], layer[i + 1]];
    if (left === undefined || right === undefined) break;
    let asIs = 0;
    let swapped = 0;
    for (const theirs of right[side]) {
      const over = left[side].filter(({ weight }) => weight > theirs.weight).length;
      asIs += over;
      swapped += left[side].length - over;
    }
    if (swapped < asIs) [layer[i], layer[i + 1]] = [right, left];
    crossings += Math.min(swapped, asIs);
  }
  return crossings;
}
