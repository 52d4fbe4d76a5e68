import type { Stage } from '../../project/index.ts';
import type { StageGraph } from '../open/graph.ts';

type Neighbours = (stage: Stage) => Iterable<Stage>;

/**
 * Depth-first post-order over `starts`: everything a stage needs comes before it. The order of networkx,
 * which is the order in which DVC runs stages.
 */
export function postOrder(starts: Iterable<Stage>, neighbours: Neighbours): Stage[] {
  const seen = new Set<Stage>();
  const order: Stage[] = [];
  for (const start of starts) {
    if (seen.has(start)) continue;
    seen.add(start);
    const stack = [{ stage: start, rest: neighbours(start)[Symbol.iterator]() }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) {
        order.push(top.stage);
        stack.pop();
      } else if (!seen.has(next.value)) {
        seen.add(next.value);
        stack.push({ stage: next.value, rest: neighbours(next.value)[Symbol.iterator]() });
      }
    }
  }
  return order;
}

export interface PlanOptions {
  /** Only these and what they need; all stages when empty. */
  readonly targets: readonly Stage[];
  /** The whole connected part of the graph that each target is in. */
  readonly pipeline?: boolean;
  /** The targets and everything that depends on them, instead of what they need. */
  readonly downstream?: boolean;
  /** Only the targets, in their order. */
  readonly single?: boolean;
}

/** The stages to look at, in the order to do so. Frozen stages do not pull in what they need. */
export function planOrder(graph: StageGraph, options: PlanOptions): Stage[] {
  if (options.single === true) return [...options.targets];
  const needs: Neighbours = (stage) => (stage.frozen ? [] : (graph.needs.get(stage) ?? []));
  if (options.targets.length === 0) return postOrder(graph.stages, needs);
  const wanted = selected(graph, options, needs);
  const inside: Neighbours = (stage) => [...needs(stage)].filter((other) => wanted.has(other));
  return postOrder(
    graph.stages.filter((stage) => wanted.has(stage)),
    inside,
  );
}

function selected(graph: StageGraph, options: PlanOptions, needs: Neighbours): Set<Stage> {
  const neededBy: Neighbours = (stage) => [...(graph.neededBy.get(stage) ?? [])].filter((other) => !other.frozen);
  if (options.pipeline === true) {
    return new Set(postOrder(options.targets, (stage) => [...needs(stage), ...neededBy(stage)]));
  }
  return new Set(postOrder(options.targets, options.downstream === true ? neededBy : needs));
}

/** The connected parts of the graph, each in the order of its stages. */
export function pipelines(graph: StageGraph): Stage[][] {
  const part = new Map<Stage, Stage[]>();
  const parts: Stage[][] = [];
  const both: Neighbours = (stage) => [...(graph.needs.get(stage) ?? []), ...(graph.neededBy.get(stage) ?? [])];
  for (const start of graph.stages) {
    if (!part.has(start)) {
      const members: Stage[] = [];
      parts.push(members);
      for (const stage of postOrder([start], both)) part.set(stage, members);
    }
    part.get(start)?.push(start);
  }
  return parts;
}
