import { expect, it, vi } from 'vitest';
import { command, mlops, mlopsBin } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin } from '../../../twin.ts';

// Each step starts two Python processes or so: minutes on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

type Edges = readonly (readonly [stage: string, ...deps: string[]])[];

function pipeline(stages: Edges): string {
  const lines = stages.map(
    ([name, ...deps]) => `  ${name}: {cmd: echo 1, deps: [${deps.join(', ')}], outs: [${name}]}`,
  );
  return `stages:\n${lines.join('\n')}\n`;
}

/**
 * Graphs whose picture DVC draws the same way each time: the order of several long edges in one layer, and of the
 * nodes of a part that is less than half of the graph, are those of Python sets.
 */
const graphs: Readonly<Record<string, Edges>> = {
  'a single stage': [['alone']],
  'a chain': [['prepare'], ['featurize', 'prepare'], ['train', 'featurize'], ['evaluate', 'train']],
  'a diamond': [['a'], ['left', 'a'], ['right-side', 'a'], ['joined', 'left', 'right-side']],
  'a fan out': [['source'], ...['1', 'two', 'three3', 'four-four', '5'].map((n) => [`f${n}`, 'source'] as const)],
  'a fan in': [['x'], ['yy'], ['zzz'], ['all', 'x', 'yy', 'zzz']],
  'a long edge': [['load'], ['clean', 'load'], ['train', 'clean'], ['evaluate', 'train', 'load']],
  'a very long edge over a wide layer': [
    ['a'],
    ['b', 'a'],
    ['c-is-long', 'a'],
    ['d', 'b', 'c-is-long'],
    ['e', 'd'],
    ['f', 'e', 'a'],
  ],
  'crossing edges': [['a'], ['b'], ['c'], ['p', 'c', 'a'], ['q', 'b'], ['r', 'a', 'c'], ['s', 'q', 'p', 'r']],
  'a wide layer': [
    ['raw'],
    ['m1', 'raw'],
    ['m2', 'raw'],
    ['e1', 'm1'],
    ['e2', 'm2'],
    ['report', 'e1', 'e2'],
    ['publish-everything', 'report'],
  ],
  'parts that do not touch': [['a'], ['b', 'a'], ['c', 'b'], ['d', 'c'], ['other'], ['third'], ['after', 'third']],
  'names that are not ASCII': [['größe'], ['学習', 'größe'], ['ausgabe', '学習']],
};

describeWithTool('dvc', 'twins: dag', ({ dvc }) => {
  it.each(Object.keys(graphs))('draws %s as DVC does', (name) => {
    const twin = openTwin({ dvc });
    twin.write('dvc.yaml', pipeline(graphs[name] ?? []));
    twin.run(['dag']);
  });

  it('collapses groups as DVC does: single stages first, then the groups, edges likewise', () => {
    const twin = openTwin({ dvc });
    twin.write(
      'dvc.yaml',
      `stages:
  a: {cmd: echo, outs: [oa]}
  each:
    foreach: [1, 2]
    do: {cmd: echo, deps: [oa], outs: ["o\${item}"]}
  z: {cmd: echo, deps: [o1, o2, oa], outs: [oz]}
  chain:
    foreach: {a: {from: z, to: c1}, b: {from: c1, to: c2}}
    do: {cmd: echo, deps: ["o\${item.from}"], outs: ["o\${item.to}"]}
`,
    );
    twin.run(['dag', '--dot', '--collapse-foreach-matrix']);
    twin.run(['dag', '--mermaid', '--collapse-foreach-matrix']);
  });

  it('draws targets, what depends on them, outputs, groups, and nothing', () => {
    const twin = openTwin({ dvc });
    twin.run(['dag']);
    twin.write('raw.csv', 'x');
    twin.run(['add', 'raw.csv']);
    twin.run(['dag']);
    twin.write(
      'dvc.yaml',
      `stages:
  load: {cmd: echo 1, deps: [raw.csv], outs: [data]}
  fit:
    foreach: [us, uk]
    do: {cmd: echo 1, deps: [data], outs: ["m-\${item}"]}
  sum: {cmd: echo 1, deps: [m-us, m-uk], outs: [report]}
`,
    );
    twin.run(['dag']);
    twin.run(['dag', 'load']);
    twin.run(['dag', 'load', '--full']);
    twin.run(['dag', 'fit@us', '--full']);
    twin.run(['dag', 'sum']);
    twin.run(['dag', '--outs']);
    twin.run(['dag', '--collapse-foreach-matrix', 'sum']);
    twin.run(['dag', '--dot', '--full', 'fit@uk']);
    twin.run(['dag', '--md', '--outs']);
    twin.run(['dag', 'nope']);
  });
});

describeWithTool(['dvc', 'script'], 'dag on a terminal', ({ dvc, script }) => {
  it('goes through DVC_PAGER, then PAGER, as with DVC', () => {
    const twin = openTwin({ dvc });
    twin.write('dvc.yaml', pipeline([['a'], ['b', 'a']]));
    const onTerminal = (env: Record<string, string>): void => {
      const texts = twin.sides.map(({ name, project }) => {
        const words = name === 'dvc' ? dvc : `${process.execPath} ${mlopsBin}`;
        const made = command(project, script, ['-qec', `${words} dag`, '/dev/null'], {
          env: { TERM: 'xterm', ...env },
        });
        // DVC's library for terminals ends every text with a reset of colours.
        return made.stdout.replaceAll('\u001b[0m', '');
      });
      expect(texts[1]).toBe(texts[0]);
      expect(texts[1]).toContain('| b |');
    };
    onTerminal({ DVC_PAGER: 'cat', PAGER: 'false' });
    onTerminal({ PAGER: "sed 's/^/paged /'" });
    expect(mlops(twin.sides[1].project, ['dag'], { env: { DVC_PAGER: 'false' } }).stdout).toContain('| b |');
  });
});
