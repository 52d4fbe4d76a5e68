import { describe, expect, it } from 'vitest';

import { isMlopsError, type PyValue } from '../../base/index.ts';
import { memoryTree } from '../../git/index.ts';
import { openPipelineFile, type PipelineFile, type PipelineOptions } from '../index.ts';

function open(files: Readonly<Record<string, string>>, options: PipelineOptions = {}, file = 'dvc.yaml'): PipelineFile {
  const pipeline = openPipelineFile(memoryTree(files), file, options);
  if (pipeline === undefined) throw new Error('no pipeline');
  return pipeline;
}

function commands(yaml: string, others: Readonly<Record<string, string>> = {}, options: PipelineOptions = {}): PyValue {
  const pipeline = open({ 'dvc.yaml': yaml, ...others }, options);
  return new Map(pipeline.stages().map((stage) => [stage.name ?? '', stage.cmd as PyValue]));
}

function failure(
  yaml: string,
  others: Readonly<Record<string, string>> = {},
): { message: string; hint: string | undefined } {
  try {
    open({ 'dvc.yaml': yaml, ...others }).stages();
  } catch (error) {
    if (isMlopsError(error)) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('it should have failed');
}

describe('templating', () => {
  it('replaces names from params.yaml and vars, with the text forms of Python', () => {
    const yaml =
      'vars: [{b: true, n: null, f: 1.0, e: 1e-7, big: 123456789012345678901234567890}]\nstages:\n  s:\n    cmd: run ${lr} ${b} ${n} ${f} ${e} ${big} ${ x.y[1] } \\${kept} $HOME\n';
    expect(commands(yaml, { 'params.yaml': 'lr: 0.10\nx: {y: [1, two]}\n' })).toEqual(
      new Map([['s', 'run 0.1 true None 1.0 1e-07 123456789012345678901234567890 two ${kept} $HOME']]),
    );
  });

  it('makes command-line arguments of a mapping', () => {
    const yaml =
      "vars: [{m: {lr: 0.1, flag: true, off: false, l: [1, 2, a b], sub: {q: z}, nn: null, str: it's}}]\nstages:\n  s:\n    cmd: t ${m}\n";
    expect(commands(yaml)).toEqual(
      new Map([['s', `t --lr 0.1 --flag --l 1 2 'a b' --sub.q z --nn None --str 'it'"'"'s'`]]),
    );
    const parsing = { bool: 'boolean_optional', list: 'append' } as const;
    expect(commands('vars: [{m: {off: false, l: [1, 2]}}]\nstages: {s: {cmd: "t ${m}"}}\n', {}, { parsing })).toEqual(
      new Map([['s', 't --no-off --l 1 --l 2']]),
    );
  });

  it('names foreach stages by value, by index for composites, by key for mappings', () => {
    const yaml = `vars: [{l: [1, true, null, 2.0, a b], c: [{x: 1}, 2], d: {us: {t: 3}, 'uk': {t: 4}}}]
stages:
  l: {foreach: "\${l}", do: {cmd: "e \${item}"}}
  c: {foreach: "\${c}", do: {cmd: "e \${item}", frozen: true}}
  d: {foreach: "\${d}", do: {cmd: "e \${key} \${item.t}"}}
  o: {foreach: {5: a, true: b}, do: {cmd: "e \${key}"}}
`;
    const pipeline = open({ 'dvc.yaml': yaml });
    expect(pipeline.names()).toEqual([
      'l@1',
      'l@True',
      'l@None',
      'l@2.0',
      'l@a b',
      'c@0',
      'c@1',
      'd@us',
      'd@uk',
      'o@5',
      'o@true',
    ]);
    expect(pipeline.stage('d@uk').cmd).toBe('e uk 4');
    expect(pipeline.isGroup('d')).toBe(true);
    expect(pipeline.groupOf('d@uk')).toBe('d');
  });

  it('makes the product of a matrix in the order of its keys', () => {
    const yaml = 'stages:\n  m:\n    matrix:\n      a: [x, 2.5]\n      o: [{v: 1}, [3]]\n    cmd: e ${item.a} ${key}\n';
    expect(commands(yaml)).toEqual(
      new Map([
        ['m@x-o0', 'e x x-o0'],
        ['m@x-o1', 'e x x-o1'],
        ['m@2.5-o0', 'e 2.5 2.5-o0'],
        ['m@2.5-o1', 'e 2.5 2.5-o1'],
      ]),
    );
  });

  it('tells an unknown name with the nearest one', () => {
    expect(failure('stages:\n  s:\n    cmd: e ${train.epoch}\n', { 'params.yaml': 'train: {epochs: 1}\n' })).toEqual({
      message: "failed to parse 'stages.s.cmd' in 'dvc.yaml': Could not find 'train.epoch'",
      hint: "did you mean 'train.epochs'?",
    });
  });

  it.each([
    [
      'stages: {s: {cmd: "e ${}"}}',
      "failed to parse 'stages.s.cmd' in 'dvc.yaml':\n${}\n  ^\nParseException: Expected !W:(.[]), found '}'  (at char 2), (line:1, col:3)",
    ],
    [
      'stages: {s: {cmd: "e ${a[0]bcd}"}}',
      "failed to parse 'stages.s.cmd' in 'dvc.yaml':\n${a[0]bcd}\n      ^\nParseException: Expected end of text, found 'bcd'  (at char 6), (line:1, col:7)",
    ],
    [
      'vars: [{a: {b: 1}}]\nstages: {s: {cmd: e, deps: ["${a}"]}}',
      "failed to parse 'stages.s.deps' in 'dvc.yaml':\nCannot interpolate data of type 'dict'",
    ],
    [
      'vars: [{a: {b: 1}}, {a: {b: 2}}]',
      "failed to parse 'vars' in 'dvc.yaml':\ncannot redefine 'a.b' from 'vars[1]' as it already exists in 'vars[0]'",
    ],
    [
      'vars: [{a: 1}]\nstages: {s: {foreach: "${a}", do: {cmd: e}}}',
      "failed to resolve 'stages.s.foreach' in 'dvc.yaml': expected list/dictionary, got int",
    ],
    ['vars: [nofile.yaml]', "failed to parse 'vars' in 'dvc.yaml': 'nofile.yaml' does not exist"],
    ['vars: [{a: "${b}"}]', "failed to parse 'vars' in 'dvc.yaml': interpolating is not allowed"],
    [
      'stages: {s: {cmd: e, vars: [nofile.yaml]}}',
      "failed to parse stage 's' in 'dvc.yaml': 'nofile.yaml' does not exist",
    ],
  ])('refuses %j in the words of DVC', (yaml, message) => {
    expect(failure(yaml).message).toBe(message);
  });

  it('loads files of vars as a whole once, or by keys', () => {
    const files = {
      'a.json': '{"x": 1, "y": 2.5}',
      'b.toml': 'z = 3\n',
      'c.py': 'T = (1, 2)\nclass K:\n    v = "q"\n',
    };
    const yaml = 'vars: [a.json:x, "a.json:y", b.toml, c.py]\nstages: {s: {cmd: "e ${x} ${y} ${z} ${T[1]} ${K.v}"}}\n';
    expect(commands(yaml, files)).toEqual(new Map([['s', 'e 1 2.5 3 2 q']]));
    expect(failure('vars: [a.json, "a.json:x"]', files).message).toContain("cannot partially load 'a.json:x'");
    expect(failure('vars: ["a.json:x", "a.json:x"]', files).message).toContain("it's partially loaded already");
  });

  it('resolves ten thousand stages of a foreach in time that grows with their number only', () => {
    const list = Array.from({ length: 10_000 }, (_, index) => index).join(', ');
    const yaml = `stages:\n  s:\n    foreach: [${list}]\n    do:\n      cmd: run \${item}\n      outs: ["o/\${item}"]\n`;
    const started = performance.now();
    const stages = open({ 'dvc.yaml': yaml }).stages();
    expect(stages).toHaveLength(10_000);
    expect(stages[9999]?.outs[0]?.path).toBe('o/9999');
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('stages', () => {
  it('are relative to their file and wdir, with the address that users type', () => {
    const yaml =
      'stages:\n  s:\n    wdir: ../w\n    cmd: [a, b]\n    deps: [x, ../y/, /abs, s3://b/k]\n    params: [lr, p.json: [a.b], q.toml: null, p.json: [c]]\n    outs: [o: {cache: false, persist: true, push: false, remote: r}]\n    plots: [p.csv: {x: i}]\n';
    const stage = open({ 'sub/dvc.yaml': yaml }, {}, 'sub/dvc.yaml').stage('s');
    expect(stage).toMatchObject({ address: 'sub/dvc.yaml:s', wdir: 'w', cmd: ['a', 'b'] });
    expect(stage.deps.map((dep) => dep.path)).toEqual(['w/x', 'y', undefined, undefined]);
    expect(stage.params.map(({ defPath, path, keys }) => [defPath, path, keys])).toEqual([
      ['params.yaml', 'w/params.yaml', ['lr']],
      ['p.json', 'w/p.json', ['a.b', 'c']],
      ['q.toml', 'w/q.toml', undefined],
    ]);
    expect(stage.outs[0]).toMatchObject({ path: 'w/o', cache: false, persist: true, push: false, remote: 'r' });
    expect(stage.outs[1]?.plot).toEqual(new Map([['x', 'i']]));
  });

  it('that do not exist are told with the nearest name', () => {
    const pipeline = open({ 'dvc.yaml': 'stages: {train: {cmd: e}}' });
    expect(() => pipeline.stage('trian')).toThrow("Stage 'trian' not found inside 'dvc.yaml' file");
  });

  it('break the schema with file, line, column and source lines', () => {
    const { message } = failure('stages:\n  s:\n    cmd: e\n    bad: 1\n');
    expect(message.split('\n').map((line) => line.trimEnd())).toEqual([
      "'./dvc.yaml' validation failed.",
      '',
      'extra keys not allowed, in stages -> s -> bad, line 3, column 5',
      '  2   s:',
      '  3 │   cmd: e',
      '  4 │   bad: 1',
    ]);
    expect(failure('[1]').message).toBe("'./dvc.yaml' validation failed: expected a dictionary.");
    expect(open({ 'dvc.yaml': '' }).names()).toEqual([]);
  });
});
