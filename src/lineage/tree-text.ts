import type { LineageGraph, LineageNode } from './graph.ts';

/** A line of the tree. */
export interface TreeLine {
  /** `├─ ` and the like, for what stands before it. */
  readonly lead: string;
  readonly relation: string | undefined;
  readonly node: LineageNode;
  /** True where it was printed before, with what is below it. */
  readonly again: boolean;
}

/** The graph as a tree below each of the things that were asked for; what is met twice is opened once. */
export function toTree(graph: LineageGraph): TreeLine[] {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const below = new Map<string, { id: string; relation: string }[]>();
  for (const { from, to, relation } of graph.edges) {
    const [parent, child] = graph.direction === 'up' ? [to, from] : [from, to];
    const list = below.get(parent) ?? [];
    list.push({ id: child, relation });
    below.set(parent, list);
  }
  const lines: TreeLine[] = [];
  const opened = new Set<string>();
  // By hand, not by recursion: a chain may be as long as a pipeline has stages.
  const waiting = graph.things
    .toReversed()
    .map((id) => ({ id, relation: undefined as string | undefined, lead: '', rest: '' }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const node = nodes.get(next.id);
    if (node === undefined) continue;
    const children = below.get(node.id) ?? [];
    const again = opened.has(node.id) && children.length > 0;
    lines.push({ lead: next.lead, relation: next.relation, node, again });
    if (again) continue;
    opened.add(node.id);
    const { rest } = next;
    for (const [index, child] of [...children.entries()].toReversed()) {
      const last = index === children.length - 1;
      waiting.push({ ...child, lead: `${rest}${last ? '└─ ' : '├─ '}`, rest: `${rest}${last ? '   ' : '│  '}` });
    }
  }
  return lines;
}
