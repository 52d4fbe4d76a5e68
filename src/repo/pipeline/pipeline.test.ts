import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memoryTree } from '../../git/index.ts';
import { openPipelineFile, type LockedStage, type Stage } from '../../project/index.ts';
import { dagAscii } from './dag-ascii.ts';
import { dagDot, dagMermaid, viewDag } from './dag.ts';
import { parseOverrides } from '../experiments/experiment-overrides.ts';
import { editParams } from '../experiments/override-edit.ts';
import { buildGraph } from '../open/graph.ts';
import { pipelines, planOrder } from './order.ts';
import { parseTarget } from './repro-targets.ts';
import { runKey, runValue } from '../stages/run-cache.ts';

function stages(yaml: string): Stage[] {
  return openPipelineFile(memoryTree({ 'dvc.yaml': yaml }), 'dvc.yaml')?.stages() ?? [];
}

const diamond = `stages:
  last: {cmd: e, deps: [b, c], outs: [d]}
  left: {cmd: e, deps: [a], outs: [b]}
  right: {cmd: e, deps: [a/x], outs: [c]}
  first: {cmd: e, outs: [a]}
  alone: {cmd: e, outs: [z]}
`;

describe('the graph of stages', () => {
  const graph = buildGraph(stages(diamond));
  const named = (name: string): Stage[] => graph.stages.filter((stage) => stage.name === name);
  const order = (options: Parameters<typeof planOrder>[1]): (string | undefined)[] =>
    planOrder(graph, options).map((stage) => stage.name);

  it('runs producers first, otherwise in the order of the file', () => {
    expect(order({ targets: [] })).toEqual(['first', 'left', 'right', 'last', 'alone']);
    expect(order({ targets: named('right') })).toEqual(['first', 'right']);
    expect(order({ targets: named('right'), pipeline: true })).toEqual(['first', 'left', 'right', 'last']);
    expect(order({ targets: named('left'), downstream: true })).toEqual(['left', 'last']);
    expect(order({ targets: named('last'), single: true })).toEqual(['last']);
  });

  it('falls into connected parts', () => {
    expect(pipelines(graph).map((part) => part.map((stage) => stage.name))).toEqual([
      ['last', 'left', 'right', 'first'],
      ['alone'],
    ]);
  });

  it('is drawn as DOT, Mermaid and boxes', () => {
    const view = viewDag(graph, { targets: named('left') });
    expect(dagDot(view)).toBe('strict digraph {\n"left";\n"first";\n"first" -> "left";\n}\n');
    expect(dagMermaid(view)).toBe('flowchart TD\n\tnode1["first"]\n\tnode2["left"]\n\tnode1-->node2');
    expect(
      dagAscii(view)
        .split('\n')
        .filter((line) => /\w/.test(line))
        .map((line) => line.trim()),
    ).toEqual(['| first |', '| left |']);
  });

  it.each([
    ['stages: {a: {cmd: e, outs: [o]}, b: {cmd: e, outs: [o]}}', "output 'o' is specified in:\n\t- a\n\t- b\nUse"],
    ['stages: {a: {cmd: e, outs: [d]}, b: {cmd: e, outs: [d/o]}}', "The output paths:\n'd'('a')\n'd/o'('b')\noverlap"],
    ['stages: {a: {cmd: e, outs: [d/o]}, b: {cmd: e, outs: [d]}}', "The output paths:\n'd'('b')\n'd/o'('a')\noverlap"],
    ['stages: {a: {cmd: e, deps: [o], outs: [o]}}', 'in stage: a.'],
    ['stages: {a: {cmd: e, deps: [y], outs: [x]}, b: {cmd: e, deps: [x], outs: [y]}}', 'in stages: a, b.'],
  ])('refuses %s in the words of DVC', (yaml, message) => {
    expect(() => buildGraph(stages(yaml))).toThrow(message);
  });

  it('tells a cycle as a path', () => {
    const yaml =
      'stages: {a: {cmd: e, deps: [z], outs: [x]}, b: {cmd: e, deps: [x], outs: [y]}, c: {cmd: e, deps: [y], outs: [z]}}';
    expect(() => buildGraph(stages(yaml))).toThrow(expect.objectContaining({ hint: 'the cycle: b -> c -> a -> b' }));
  });

  it('is built in time that grows with the stages only', () => {
    const yaml = `stages:\n${Array.from({ length: 2000 }, (_, i) => `  s${i}: {cmd: e, deps: [o${i}], outs: [o${i + 1}]}\n`).join('')}`;
    const many = stages(yaml);
    const started = performance.now();
    expect(planOrder(buildGraph(many), { targets: [] })).toHaveLength(2000);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('the run-cache', () => {
  it('names entries as DVC does', () => {
    const stage: LockedStage = {
      cmd: 'echo us 10 > fe_us.txt',
      deps: [
        { path: 'out', info: { md5: 'c3936ccd135c302c2180b402751ee574.dir', hashName: 'md5', size: 19, nfiles: 2 } },
      ],
      params: new Map(),
      outs: [{ path: 'fe_us.txt', info: { md5: 'aad906254f27ae7eadb56633c6b8ebbd', hashName: 'md5', size: 6 } }],
    };
    expect(runKey(stage)).toBe('b7e635fe2d66505a7095e4e0882135f8adf9ab688e89bb111b1d94b8d49c52e6');
    expect(runValue(stage)).toBe('44c5da30fa9c259812cf7717d530dc15507ce7072a7dc26a4177bbb5fe968c35');
  });
});

describe('targets', () => {
  it.each([
    ['train', 'dvc.yaml', 'train'],
    ['train@a:b', 'dvc.yaml', 'train@a:b'],
    ['sub/dvc.yaml:train', 'sub/dvc.yaml', 'train'],
    ['sub/dvc.yaml', 'sub/dvc.yaml', undefined],
    ['data.dvc', 'data.dvc', undefined],
    [':train@x', 'dvc.yaml', 'train@x'],
  ])('%s is %s and %s', (target, file, name) => {
    expect(parseTarget(target)).toEqual({ file, name });
  });
});

describe('overrides of params', () => {
  it('are assignments, additions, removals and grids', () => {
    expect(
      parseOverrides(['lr=0.1', 'f.json:a.b=[1, 2]', '+n=x', '~gone'])[0]?.map(({ file, key, action }) => [
        file,
        key,
        action,
      ]),
    ).toEqual([
      ['params.yaml', 'lr', 'set'],
      ['f.json', 'a.b', 'set'],
      ['params.yaml', 'n', 'add'],
      ['params.yaml', 'gone', 'remove'],
    ]);
    const grid = parseOverrides(['a=1,2', 'b=choice(x,y)', 'c=range(0, 2)']);
    expect(grid).toHaveLength(8);
    expect(grid[3]?.map(({ value }) => value)).toEqual([1, 'y', 1]);
    expect(parseOverrides(['l=[1,2]', "s='a,b'"])).toHaveLength(1);
  });

  it('keep comments, order and types of YAML, TOML and Python', () => {
    const change = (file: string, text: string, assignment: string): string => {
      const [override] = parseOverrides([`${file}:${assignment}`])[0] ?? [];
      if (override === undefined) throw new Error('no override');
      return editParams(text, override);
    };
    expect(change('p.yaml', 'a: 1 # one\nb:\n  c: [1, 2] # two\n', 'b.c.1=3')).toBe(
      'a: 1 # one\nb:\n  c: [1, 3] # two\n',
    );
    expect(change('p.yaml', 'a: 1\n', '+x.y=1.0')).toBe('a: 1\nx:\n  y: 1.0\n');
    expect(change('p.toml', '[a]\nx = 1 # c\n[b]\nx = 2\n', 'b.x=3.5')).toBe('[a]\nx = 1 # c\n[b]\nx = 3.5\n');
    expect(change('p.py', 'lr = 1  # c\nclass T:\n    lr = 2\n', 'T.lr=true')).toBe(
      'lr = 1  # c\nclass T:\n    lr = True\n',
    );
    expect(change('p.json', '{"a": {"b": 1.0}, "c": 2}', 'a.b=2')).toBe('{"a": {"b": 2}, "c": 2}');
    expect(() => change('p.yaml', 'epochs: 1\n', 'epoch=2')).toThrow("Could not override 'epoch'");
  });

  it('change the chosen key and no other', () => {
    const key = fc.stringMatching(/^[a-z]{1,6}$/);
    fc.assert(
      fc.property(fc.uniqueArray(key, { minLength: 2, maxLength: 6 }), fc.integer(), (keys, value) => {
        const text = keys.map((name, index) => `${name}: ${index} # ${name}\n`).join('');
        const [chosen = ''] = keys;
        const [override] = parseOverrides([`${chosen}=${value}`])[0] ?? [];
        if (override === undefined) throw new Error('no override');
        const lines = text.split('\n');
        lines[0] = `${chosen}: ${value} # ${chosen}`;
        const edited = editParams(text, override).split('\n');
        expect(edited.slice(1)).toEqual(lines.slice(1));
        expect(edited[0]?.replace(/\s+#/, ' #')).toBe(lines[0]);
      }),
    );
  });
});
