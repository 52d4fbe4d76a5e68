import type { LineageGraph, LineageNode } from './graph.ts';

const shapes: Readonly<Record<LineageNode['kind'], string>> = {
  prediction: 'oval',
  version: 'component',
  run: 'box3d',
  stage: 'box',
  data: 'note',
  commit: 'diamond',
  source: 'folder',
};

/** The graph in Graphviz's language. */
export function toDot(graph: LineageGraph): string {
  const quote = (text: string): string =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const things = new Set(graph.things);
  const nodes = graph.nodes.map((node) => {
    const marks = [
      `label=${quote(`${node.kind}\n${node.name}`)}`,
      `shape=${shapes[node.kind]}`,
      ...(things.has(node.id) ? ['penwidth=2'] : []),
      ...(node.gaps.length > 0 ? ['style=dashed'] : []),
    ];
    return `  ${quote(node.id)} [${marks.join(', ')}];`;
  });
  const edges = graph.edges.map(
    ({ from, to, relation }) => `  ${quote(from)} -> ${quote(to)} [label=${quote(relation)}];`,
  );
  return ['digraph lineage {', '  rankdir=LR;', ...nodes, ...edges, '}'].join('\n');
}

/** The graph as a Mermaid flowchart. */
export function toMermaid(graph: LineageGraph): string {
  const ids = new Map(graph.nodes.map((node, index) => [node.id, `n${index + 1}`]));
  // Mermaid knows entities by number; quotes and brackets would end a label.
  const label = (text: string): string => text.replaceAll(/[^\w .,:/@=-]/g, (sign) => `#${sign.codePointAt(0)};`);
  const nodes = graph.nodes.map((node) => `  ${ids.get(node.id)}["${label(node.kind)}: ${label(node.name)}"]`);
  const edges = graph.edges.map(
    ({ from, to, relation }) => `  ${ids.get(from)} -->|${label(relation)}| ${ids.get(to)}`,
  );
  return ['flowchart LR', ...nodes, ...edges].join('\n');
}
