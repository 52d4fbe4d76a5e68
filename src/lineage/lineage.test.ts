import { expect, it } from 'vitest';

import { gapsOf, toDot, toMermaid, toPage, toTree, trace, type LineageNode, type LineageSource } from './index.ts';

const node = (name: string, gaps: readonly string[] = []): LineageNode => ({
  id: `data:${name}`,
  kind: 'data',
  name,
  facts: { [name]: true },
  gaps,
});

/** Edges as written: `a>b` says that b came of a. */
function sourceOf(...edges: readonly string[]): LineageSource {
  return {
    neighbours: (of, direction) =>
      Promise.resolve(
        edges.flatMap((edge) => {
          const [from = '', to = ''] = edge.split('>');
          const [here, there] = direction === 'up' ? [to, from] : [from, to];
          return here === of.name ? [{ node: node(there), relation: 'dep' }] : [];
        }),
      ),
  };
}

it('follows several sources to the end or to a depth, each thing once, also around a circle', async () => {
  const sources = [sourceOf('a>b', 'a>c', 'b>d'), sourceOf('c>d', 'd>a')];
  const whole = await trace([node('a')], sources, { direction: 'down' });
  expect(whole.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  expect(whole.edges).toHaveLength(5);
  const near = await trace([node('d')], sources, { direction: 'up', depth: 1 });
  expect(near.nodes.map(({ name }) => name).sort()).toEqual(['b', 'c', 'd']);
  expect(toTree(whole).map(({ lead, node: { name }, again }) => `${lead}${name}${again ? ' again' : ''}`)).toEqual([
    'a',
    '├─ b',
    '│  └─ d',
    '│     └─ a again',
    '└─ c',
    '   └─ d again',
  ]);
  expect(toPage(whole, 'a')).toContain('<svg');
});

it('asks again where a source knows more of a thing once others were met', async () => {
  const met = new Set<string>();
  const late: LineageSource = {
    neighbours(of) {
      met.add(of.name);
      return Promise.resolve(of.name === 'a' && met.has('b') ? [{ node: node('late'), relation: 'dep' }] : []);
    },
  };
  const graph = await trace([node('a')], [late, sourceOf('a>b')], { direction: 'down' });
  expect(graph.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'late']);
});

it('joins what sources know of a thing, and never ends markup or a label by a name', async () => {
  const odd = '"]</svg><script>\n`';
  const source: LineageSource = {
    neighbours: (of) => Promise.resolve(of.name === 'a' ? [{ node: node(odd, ['it is odd']), relation: 'x"y' }] : []),
  };
  const graph = await trace([node('a'), { ...node('a'), facts: { more: 1 } }], [source], { direction: 'up' });
  expect(graph.nodes[0]?.facts).toEqual({ a: true, more: 1 });
  expect(gapsOf(graph)).toEqual([{ id: `data:${odd}`, gap: 'it is odd' }]);
  expect(toPage(graph, odd)).not.toContain('</svg><script>');
  expect(toMermaid(graph).split('\n')).toHaveLength(4);
  expect(toMermaid(graph)).not.toContain('"]<');
  expect(toDot(graph)).toContain(String.raw`\"]</svg><script>\n`);
});
