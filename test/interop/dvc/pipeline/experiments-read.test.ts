import { expect, it, vi } from 'vitest';
import { command, mlops } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Side, type Twin } from '../../../twin.ts';

const pipeline = `stages:
  train:
    cmd: cp params.yaml out.txt && cp metrics.txt m.json
    deps: [d.csv, metrics.txt]
    params: [lr]
    outs: [out.txt]
    metrics:
    - m.json: {cache: false}
`;

/** A project with experiments that real DVC ran, in the folder of ours; both tools read that one. */
function project(dvc: string): { twin: Twin; side: Side } {
  const twin = openTwin({ dvc });
  twin.write('dvc.yaml', pipeline);
  twin.write('params.yaml', 'lr: 0.1\nother: [1, 2.50, a]\ntiny: 0.0000012345678\n');
  twin.write('metrics.txt', '{"acc": 0.123456789, "n": {"x": 1, "big": 1234567.5}, "lr": 3}');
  twin.write('d.csv', 'x');
  const [side] = twin.sides;
  const run = (program: string, ...args: string[]): void => {
    const { status, stderr } = command(side.project, program, args);
    expect(status, stderr).toBe(0);
  };
  run(dvc, 'add', '-q', 'd.csv');
  run(dvc, 'repro', '-q');
  run('git', 'add', '-A');
  run('git', 'commit', '-q', '-m', 'first');
  run(dvc, 'exp', 'run', '-q', '-S', 'lr=0.5', '-n', 'slow');
  run(dvc, 'exp', 'run', '-q', '-S', 'lr=0.7', '-n', 'fast');
  run('git', 'checkout', '-q', '-f', '.');
  run(dvc, 'checkout', '-q');
  return { twin, side };
}

// A call of DVC takes a second or more.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'experiments that DVC made', ({ dvc }) => {
  const sameIn = (side: Side, args: readonly string[]): void => {
    const theirs = command(side.project, dvc, args);
    const ours = mlops(side.project, args);
    // DVC lists Git refs in the order of a Python set.
    const text = (stdout: string): string => (args[1] === 'list' ? stdout.split('\n').sort().join('\n') : stdout);
    expect({ status: ours.status, text: text(ours.stdout) }, `${args.join(' ')}\n${ours.stderr}`).toEqual({
      status: theirs.status,
      text: text(theirs.stdout),
    });
  };

  it('are listed, shown and compared in the same words', () => {
    const { side } = project(dvc);
    sameIn(side, ['exp', 'list']);
    sameIn(side, ['exp', 'list', '-A', '--names-only']);
    sameIn(side, ['exp', 'list', '--sha-only']);
    for (const flags of [
      [],
      ['--md'],
      ['--csv'],
      ['--csv', '--precision', '2'],
      ['--only-changed'],
      ['--sha', '-A', '--md'],
    ])
      sameIn(side, ['exp', 'show', ...flags]);
    sameIn(side, [
      'exp',
      'show',
      '--sort-by',
      'params.yaml:lr',
      '--sort-order',
      'desc',
      '--drop',
      'o',
      '--keep',
      'other',
    ]);
    sameIn(side, ['exp', 'show', '--sort-by', 'lr']);
    sameIn(side, ['exp', 'show', '--hide-workspace', '--param-deps', '--csv', '--rev', 'HEAD', '-n', '3']);
    sameIn(side, ['exp', 'show', '--rev', 'nope']);
    sameIn(side, ['exp', 'diff', 'slow']);
    sameIn(side, ['exp', 'diff', 'slow', 'fast', '--json']);
    sameIn(side, ['exp', 'diff', 'nope']);
  });

  it('have the same JSON, whatever the order of files in a folder', () => {
    const { side } = project(dvc);
    const args = ['exp', 'show', '--json'];
    const theirs: unknown = JSON.parse(command(side.project, dvc, args).stdout);
    expect(JSON.parse(mlops(side.project, args).stdout)).toEqual(theirs);
  });

  it('can be read from a Git remote, and by name wherever a revision goes', () => {
    const { side } = project(dvc);
    sameIn(side, ['exp', 'list', '.']);
    sameIn(side, ['params', 'diff', 'slow', 'fast']);
    sameIn(side, ['metrics', 'diff', 'fast']);
    sameIn(side, ['plots', 'diff', '-e', 'fast', '--targets', 'out.txt', 'metrics.json', '--json']);
  });
});
