import { compareCodePoints } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';
import { depPaths, type Display, type StageGraph } from '../open/graph.ts';

/** A graph of names; an edge goes from what is made first to what needs it. */
export interface DagView {
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
}

export interface DagOptions {
  /** Stages to show the graph of; all when empty. */
  readonly targets?: readonly Stage[];
  /** Outputs as nodes instead of stages. */
  readonly outs?: boolean;
  /** With targets: also what depends on them, not only what they need. */
  readonly full?: boolean;
  /** One node for all stages of a foreach or matrix. */
  readonly collapse?: boolean;
}

/** The graph that `dag` shows. */
export function viewDag(graph: StageGraph, options: DagOptions = {}, display: Display = (file) => file): DagView {
  const whole = options.outs === true ? outsView(graph, display) : stagesView(graph);
  const targets = (options.targets ?? []).flatMap((stage) =>
    options.outs === true ? stage.outs.map((out) => display(out.path ?? out.defPath)) : [stage.address],
  );
  const chosen = targets.length === 0 ? whole : restrict(whole, targets, options.full === true);
  return options.collapse === true ? collapse(chosen) : chosen;
}

function stagesView(graph: StageGraph): DagView {
  const edges = graph.stages.flatMap((stage) =>
    [...(graph.needs.get(stage) ?? [])].map((other): [string, string] => [other.address, stage.address]),
  );
  return { nodes: graph.stages.map((stage) => stage.address), edges };
}

function outsView(graph: StageGraph, display: Display): DagView {
  const nodes = graph.outs.below('').map((owned) => display(owned.path));
  const edges: [string, string][] = [];
  for (const stage of graph.stages) {
    const sources = depPaths(stage).flatMap((dep) => [...graph.outs.above(dep), ...graph.outs.below(dep)]);
    const own = stage.outs.map((out) => display(out.path ?? out.defPath));
    for (const out of own) for (const source of sources) edges.push([display(source.path), out]);
  }
  return { nodes, edges: unique(edges) };
}

function unique(edges: readonly (readonly [string, string])[]): [string, string][] {
  return [...new Map(edges.map(([from, to]) => [`${from}\0${to}`, [from, to] as [string, string]])).values()];
}

/** What the targets need; with `full`, everything connected to them. */
function restrict(view: DagView, targets: readonly string[], full: boolean): DagView {
  const kept = new Set<string>();
  const pending = [...targets];
  const neighbours = new Map<string, string[]>();
  const link = (from: string, to: string): void => void neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
  for (const [from, to] of view.edges) {
    link(to, from);
    if (full) link(from, to);
  }
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (kept.has(node)) continue;
    kept.add(node);
    pending.push(...(neighbours.get(node) ?? []));
  }
  return {
    nodes: view.nodes.filter((node) => kept.has(node)),
    edges: view.edges.filter(([from, to]) => kept.has(from) && kept.has(to)),
  };
}

function collapse(view: DagView): DagView {
  const name = (node: string): string =>
    node.endsWith('.dvc') || !node.includes('@') ? node : node.slice(0, node.indexOf('@'));
  const isPlain = (node: string): boolean => name(node) === node;
  // As DVC, which takes the single stages out of the graph and puts the groups in at its end.
  const groups = view.nodes.filter((node) => !isPlain(node)).map(name);
  const joined = view.edges.filter(([from, to]) => !isPlain(from) || !isPlain(to));
  const edges = joined.map(([from, to]): [string, string] => [name(from), name(to)]);
  return {
    nodes: [...view.nodes.filter(isPlain), ...new Set(groups)],
    edges: [...view.edges.filter(([from, to]) => isPlain(from) && isPlain(to)), ...unique(edges)],
  };
}

/** The connected parts of a view, each with its nodes and edges in order. */
export function splitView(view: DagView): DagView[] {
  const neighbours = new Map<string, string[]>(view.nodes.map((node) => [node, []]));
  for (const [from, to] of view.edges) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const part = new Map<string, number>();
  let count = 0;
  for (const start of view.nodes) {
    if (part.has(start)) continue;
    const pending = [start];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (part.has(node)) continue;
      part.set(node, count);
      pending.push(...(neighbours.get(node) ?? []));
    }
    count++;
  }
  const parts = Array.from({ length: count }, () => ({ nodes: [] as string[], edges: [] as [string, string][] }));
  for (const node of view.nodes) parts[part.get(node) ?? 0]?.nodes.push(node);
  for (const [from, to] of view.edges) parts[part.get(from) ?? 0]?.edges.push([from, to]);
  return parts;
}

/** Graphviz text as DVC prints it: nodes in order, then edges by the order of what they come from. */
export function dagDot(view: DagView): string {
  const quote = (name: string): string => `"${name}"`;
  const from = new Map<string, string[]>(view.nodes.map((node) => [node, []]));
  for (const [source, target] of view.edges) from.get(source)?.push(target);
  const lines = view.nodes.map((node) => `${quote(node)};`);
  for (const node of view.nodes) {
    for (const target of from.get(node) ?? []) lines.push(`${quote(node)} -> ${quote(target)};`);
  }
  // networkx calls a graph strict that has no edge from a node to itself.
  const isStrict = view.edges.every(([source, target]) => source !== target);
  return [`${isStrict ? 'strict ' : ''}digraph {`, ...lines, '}', ''].join('\n');
}

/** Mermaid text: each connected part with its nodes and edges sorted. With `markdown`, fenced. */
export function dagMermaid(view: DagView, markdown = false): string {
  const lines = ['flowchart TD'];
  let count = 0;
  for (const part of splitView(view)) {
    const ids = new Map<string, string>();
    for (const node of [...part.nodes].sort(compareCodePoints)) {
      ids.set(node, `node${++count}`);
      lines.push(`\tnode${count}["${node}"]`);
    }
    const edges = [...part.edges].sort((a, b) => compareCodePoints(a[0], b[0]) || compareCodePoints(a[1], b[1]));
    for (const [source, target] of edges) lines.push(`\t${ids.get(source)}-->${ids.get(target)}`);
  }
  const text = lines.join('\n');
  return markdown ? `\`\`\`mermaid\n${text}\n\`\`\`` : text;
}
