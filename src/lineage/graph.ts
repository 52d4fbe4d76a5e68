import { mapPool } from '../base/index.ts';

export type NodeKind = 'prediction' | 'version' | 'run' | 'stage' | 'data' | 'commit' | 'source';

/** A thing of which others come, or that comes of others. The keys are those of the JSON. */
export interface LineageNode {
  /** `KIND:NAME`, the same wherever the same thing is met. */
  readonly id: string;
  readonly kind: NodeKind;
  /** As people know it. */
  readonly name: string;
  /** What is known of it, by standard names (`md5`, `cmd`, `commit`...); plain JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What is not known, or contradicts itself, a sentence each. */
  readonly gaps: readonly string[];
}

/** `to` came of `from`. */
export interface LineageEdge {
  readonly from: string;
  readonly to: string;
  /** What `from` is to `to`: `dep`, `out`, `commit`, `run`, `model`... */
  readonly relation: string;
}

export interface LineageGraph {
  /** Ids of what was asked for. */
  readonly things: readonly string[];
  readonly direction: Direction;
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
}

/** `up`: what a thing came of; `down`: what came of it. */
export type Direction = 'up' | 'down';

export interface Neighbour {
  readonly node: LineageNode;
  readonly relation: string;
}

/** Port: knows the neighbours of some kinds of things; of others it has none to tell. */
export interface LineageSource {
  /** @param asked whether the thing itself was asked for, rather than met on the way. */
  neighbours(node: LineageNode, direction: Direction, asked: boolean): Promise<readonly Neighbour[]>;
}

export interface TraceOptions {
  readonly direction: Direction;
  /** How many steps to go; without it to the end. */
  readonly depth?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Follows things through all sources, step by step, each thing once; circles end where they began. */
export async function trace(
  things: readonly LineageNode[],
  sources: readonly LineageSource[],
  options: TraceOptions,
): Promise<LineageGraph> {
  const { direction, depth = Infinity, signal } = options;
  const nodes = new Map<string, LineageNode>();
  const edges = new Map<string, LineageEdge>();
  for (const thing of things) nodes.set(thing.id, joined(nodes.get(thing.id), thing));
  const asked = new Set(nodes.keys());
  let level = [...nodes.keys()];
  for (let step = 0; level.length > 0 && step < depth; step++) {
    const met: string[] = [];
    const known = edges.size;
    const found = await mapPool(level, 8, (id) => ask(nodes.get(id), sources, direction, asked.has(id)), signal);
    for (const [index, id] of level.entries()) {
      for (const { node, relation } of found[index] ?? []) {
        if (!nodes.has(node.id)) met.push(node.id);
        nodes.set(node.id, joined(nodes.get(node.id), node));
        const [from, to] = direction === 'up' ? [node.id, id] : [id, node.id];
        edges.set(`${from}\0${to}\0${relation}`, { from, to, relation });
      }
    }
    // A source may know more of a thing once it has met others: where nothing is new, all are asked once more.
    const isRound = level.length === nodes.size && edges.size === known;
    level = met.length > 0 ? [...new Set(met)] : depth === Infinity && !isRound ? [...nodes.keys()] : [];
  }
  return { things: things.map(({ id }) => id), direction, nodes: [...nodes.values()], edges: [...edges.values()] };
}

async function ask(
  node: LineageNode | undefined,
  sources: readonly LineageSource[],
  direction: Direction,
  asked: boolean,
): Promise<readonly Neighbour[]> {
  if (node === undefined) return [];
  const answers = await Promise.all(sources.map((source) => source.neighbours(node, direction, asked)));
  return answers.flat();
}

/** What two sources know of a thing. */
function joined(one: LineageNode | undefined, other: LineageNode): LineageNode {
  if (one === undefined) return other;
  return { ...one, facts: { ...one.facts, ...other.facts }, gaps: [...new Set([...one.gaps, ...other.gaps])] };
}

/** The graph with other facts and gaps of its nodes. */
export function withNodes(graph: LineageGraph, change: (node: LineageNode) => LineageNode): LineageGraph {
  return { ...graph, nodes: graph.nodes.map(change) };
}

/** Ids of what a stage made, or what lies in or around such a thing; what is not among them came from outside. */
export function madeHere({ edges }: LineageGraph): ReadonlySet<string> {
  return new Set(edges.flatMap(({ to, relation }) => (relation === 'out' || relation === 'contains' ? [to] : [])));
}

/** All gaps, with the thing that they are of. */
export function gapsOf(graph: LineageGraph): { readonly id: string; readonly gap: string }[] {
  return graph.nodes.flatMap(({ id, gaps }) => gaps.map((gap) => ({ id, gap })));
}
