import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { command, mlops } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';
import { generalFormat, pythonRound } from '../../../../src/cli/tables/report-format.ts';

const pipeline = `stages:
  train:
    cmd: echo trained
    params: [lr, nested.list]
    metrics:
    - m.json:
        cache: false
    - cached.json
metrics:
- m.yaml
- sub/m.toml
- settings.py
params:
- other.json
`;

const params = `lr: 0.01
nested: {list: [1, 2.0, a], deep: {b: 1.0, none: null}}
big: 123456789012345678901234567890
tiny: 1e-5
`;

/** Metrics and params in all formats, committed once. */
function project(dvc: string): Twin {
  const twin = openTwin({ dvc });
  twin.write('dvc.yaml', pipeline);
  twin.write('params.yaml', params);
  twin.write('other.json', '{"k": {"z": 1}, "l": [1], "float": 2.50}');
  twin.write('m.json', '{"acc": 0.123456789, "n": {"x": 1, "y": 2.5, "b": true, "l": [1], "no": null, "s": "txt"}}');
  twin.write('cached.json', '{"c": 1e-7, "half": 0.000125, "big": 123456.789}');
  twin.write('m.yaml', 'q: 1e5\nhalf: 0.000125\nnegative: -2.675\ntext: é 漢字\n');
  twin.write('sub/m.toml', 't = 1.5\ncount = 3\n[inner]\nx = 1e22\n');
  twin.write('settings.py', 'A = 1\nclass Train:\n    lr = 0.25\n');
  twin.dvc('commit', '-q', '-f');
  twin.git('add', '-A');
  twin.git('commit', '-q', '-m', 'first');
  return twin;
}

function change(twin: Twin): void {
  twin.write('m.json', '{"acc": 0.2, "n": {"x": 7, "y": 2.5, "b": false, "s": "other"}, "new": 1}');
  twin.write(
    'params.yaml',
    params.replace('0.01', '0.02').replace('[1, 2.0, a]', '[1, 2.0, b]').replace('big', 'huge'),
  );
}

/** DVC keeps the files of a difference in a Python set: their order changes from run to run, ours does not. */
function sameRows(twin: Twin, dvc: string, args: readonly string[]): void {
  const [theirs, ours] = twin.sides;
  const rows = (text: string): string[] => text.split('\n').sort();
  const real = command(theirs.project, dvc, args);
  const said = mlops(ours.project, args);
  expect({ status: said.status, rows: rows(said.stdout) }, said.stderr).toEqual({
    status: real.status,
    rows: rows(real.stdout),
  });
}

// A call of DVC takes a second or more.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'twins: metrics and params', ({ dvc }) => {
  it('shows metrics as text, Markdown and JSON, rounded alike', () => {
    const twin = project(dvc);
    twin.run(['metrics', 'show']);
    twin.run(['metrics', 'show', '--md']);
    twin.run(['metrics', 'show', '--json']);
    for (const digits of ['1', '2', '3', '8', '20']) twin.run(['metrics', 'show', '--precision', digits]);
    twin.run(['metrics', 'show', 'm.json', 'sub']);
    twin.run(['metrics', 'show', '-R', '.'], { in: 'sub' });
    twin.run(['metrics', 'show'], { in: 'sub' });
    twin.run(['metrics', 'show', 'nothing.json']);
  });

  it('prints JSON in the same bytes: floats stay floats, keys keep their order', () => {
    const twin = project(dvc);
    const [theirs, ours] = twin.sides;
    const args = ['metrics', 'show', '--json'];
    expect(twin.run(args).stdout).toBe(command(theirs.project, dvc, args).stdout);
    expect(ours.project).not.toBe(theirs.project);
  });

  it('reads metrics from the cache where the workspace lacks them, in every revision', () => {
    const twin = project(dvc);
    twin.git('tag', 'v1');
    twin.git('branch', 'other');
    change(twin);
    twin.remove('cached.json');
    twin.run(['metrics', 'show']);
    for (const flags of [['-a'], ['-T'], ['-aT'], ['-A'], ['-a', '--json'], ['-A', '--md']])
      twin.run(['metrics', 'show', ...flags]);
    twin.git('commit', '-q', '-a', '-m', 'second');
    for (const flags of [['-a'], ['-T'], ['-aT'], ['-A'], ['-a', 'm.json']]) twin.run(['metrics', 'show', ...flags]);
    twin.git('checkout', '-q', '--detach');
    twin.run(['metrics', 'show', '-a', 'm.json']);
  });

  it('compares metrics between commits and the workspace', () => {
    const twin = project(dvc);
    twin.git('tag', 'v1');
    twin.run(['metrics', 'diff']);
    twin.run(['metrics', 'diff', '--json']);
    change(twin);
    for (const flags of [[], ['--md'], ['--json'], ['--no-path'], ['--precision', '2'], ['--all', '--json']])
      twin.run(['metrics', 'diff', ...flags]);
    twin.run(['metrics', 'diff', '--targets', 'm.json', '--all']);
    twin.run(['metrics', 'diff'], { in: 'sub' });
    twin.git('commit', '-q', '-a', '-m', 'second');
    twin.run(['metrics', 'diff', 'v1', 'main']);
    twin.run(['metrics', 'diff', 'main', 'v1', '--md']);
    twin.run(['metrics', 'diff', 'HEAD~1']);
    twin.run(['metrics', 'diff', 'nope']);
  });

  it('compares params: whole files, only deps, targets, values that templates use', () => {
    const twin = project(dvc);
    twin.run(['params', 'diff']);
    change(twin);
    for (const flags of [
      [],
      ['--md'],
      ['--json'],
      ['--no-path'],
      ['--deps'],
      ['--deps', '--json'],
      ['--all', '--json'],
    ])
      twin.run(['params', 'diff', ...flags]);
    twin.run(['params', 'diff', '--targets', 'params.yaml', '--all', '--md']);
    twin.run(['params', 'diff', '--targets', 'other.json', '--json']);
    twin.write('vars.yaml', 'model: {name: a, unused: 1}\n');
    twin.write('dvc.yaml', 'vars: [vars.yaml]\nstages:\n  t:\n    cmd: echo ${model.name}\n');
    twin.git('add', '-A');
    twin.git('commit', '-q', '-m', 'vars');
    twin.write('vars.yaml', 'model: {name: b, unused: 2}\n');
    twin.run(['params', 'diff']);
    twin.run(['params', 'diff', '--json']);
  });

  it('goes on where a file or a revision cannot be read', () => {
    const twin = project(dvc);
    twin.write('m.json', '{');
    twin.write('m.yaml', 'a: [');
    twin.remove('sub/m.toml');
    twin.run(['metrics', 'show']);
    sameRows(twin, dvc, ['metrics', 'diff']);
    twin.write('dvc.yaml', 'stages: [');
    twin.run(['metrics', 'show']);
  });

  it('works before the first commit and without a project', () => {
    const twin = openTwin({ dvc });
    twin.write('m.json', '{"a": 1}');
    twin.run(['metrics', 'show', 'm.json']);
    twin.run(['metrics', 'diff']);
    twin.run(['params', 'diff', '--json']);
    const bare = openTwin({ dvc, init: false });
    bare.write('m.json', '{"a": 1}');
    bare.run(['metrics', 'diff']);
    bare.git('init', '-q', '-b', 'main');
    bare.run(['metrics', 'show', 'm.json']);
    bare.git('add', '-A');
    bare.git('commit', '-q', '-m', 'first');
    bare.write('m.json', '{"a": 2.5}');
    bare.run(['metrics', 'diff', '--targets', 'm.json']);
    expect(path.basename(bare.sides[0].project)).toBe('project');
  });

  it('rounds numbers as Python does', () => {
    const cases = Array.from({ length: 20_000 }, (_, i): [value: number, digits: number] => {
      const value = (Math.random() - 0.5) * 10 ** ((i % 40) - 20);
      // Every third one is a binary fraction, where ties are.
      return [i % 3 === 0 ? Math.round(value * 2 ** (i % 12)) / 2 ** (i % 12) : value, 1 + (i % 12)];
    }).filter(([value]) => value !== 0);
    const script =
      "import json,sys\nprint(json.dumps([[round(float(x),d),format(float(x),f'.{d}g')] for x,d in json.load(sys.stdin)]))";
    const python = path.join(path.dirname(dvc), 'python');
    const answer = execFileSync(python, ['-c', script], { input: JSON.stringify(cases), encoding: 'utf8' });
    for (const [i, [rounded, text]] of (JSON.parse(answer) as [number, string][]).entries()) {
      const [value, digits] = cases[i] ?? [0, 0];
      expect([pythonRound(value, digits) + 0, generalFormat(value, digits)], `${value} ${digits}`).toEqual([
        rounded + 0,
        text,
      ]);
    }
  });
});
