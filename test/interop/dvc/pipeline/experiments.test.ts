import { expect, it, vi } from 'vitest';
import { command, mlops, type Outcome } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Side, type Twin } from '../../../twin.ts';

const pipeline = `stages:
  train:
    cmd: cp params.yaml out.txt && echo '{"acc":0.5,"n":{"x":1}}' > m.json
    deps: [train.py]
    params: [lr, model, flag]
    outs: [out.txt]
    metrics: [m.json: {cache: false}]
`;

function project(dvc: string): Twin {
  const twin = openTwin({ dvc });
  twin.write('dvc.yaml', pipeline);
  twin.write('params.yaml', 'lr: 0.1\nmodel:\n  depth: 3\n  name: a\nflag: true\n');
  twin.write('train.py', 'x');
  twin.run(['repro']);
  twin.git('add', '-A');
  twin.git('commit', '-q', '-m', 'first');
  return twin;
}

/** Commits of experiments differ by their time: hashes, and when they were made, are no part of the comparison. */
function neutral(text: string): string {
  return text
    .replace(/\b[0-9a-f]{40}\b/g, '<commit>')
    .replace(/\b[0-9a-f]{7}\b/g, '<hash>')
    .replace(/\d{4}-\d\d-\d\dT[\d:]{8}|\d\d:\d\d [AP]M {4}|\d\d:\d\d [AP]M|[A-Z][a-z]{2} \d\d, \d{4}/g, '<time>')
    .replace(/ {2,}|-{3,}|─{3,}/g, ' ');
}

// Each step starts two Python processes or so: minutes on a busy machine.
vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'twins: experiments', ({ dvc }) => {
  /** The same words, status and files on both sides; lines in any order, as DVC lists refs from a set. */
  const same = (twin: Twin, ...args: string[]): void => {
    const each = (side: Side): Outcome =>
      side.name === 'dvc'
        ? command(side.project, dvc, args, { env: { COLUMNS: '80' } })
        : mlops(side.project, args, { env: { COLUMNS: '80' } });
    const [theirs, ours] = [each(twin.sides[0]), each(twin.sides[1])];
    const lines = (text: string): string[] => neutral(text).split('\n').sort();
    expect({ status: ours.status, lines: lines(ours.stdout) }, `${args.join(' ')}\n${ours.stderr}`).toEqual({
      status: theirs.status,
      lines: lines(theirs.stdout),
    });
    const state = ({ project: folder }: Side): string => {
      const refs = command(folder, 'git', [
        'for-each-ref',
        '--format=%(refname) %(subject)',
        'refs/exps',
        'refs/heads',
      ]);
      // DVC leaves the ref of the last run's baseline behind.
      const kept = refs.stdout.split('\n').filter((line) => !/^refs\/exps\/(exec|apply)\//.test(line));
      return kept.concat(command(folder, 'git', ['status', '--short']).stdout).join('\n');
    };
    expect(state(twin.sides[1]), `refs and changes after ${args.join(' ')}`).toBe(state(twin.sides[0]));
  };

  it('run, list, show, diff', () => {
    const twin = project(dvc);
    same(twin, 'exp', 'list');
    same(twin, 'exp', 'run', '-n', 'one', '-S', 'lr=0.5');
    same(twin, 'exp', 'list');
    same(twin, 'exp', 'run', '-n', 'one', '-S', 'lr=0.6');
    same(twin, 'exp', 'run', '-n', 'one', '-f', '-S', 'lr=0.7', '-S', '+model.new=[1,a]');
    same(twin, 'exp', 'run', '-n', 'two', '-S', 'lr=0.9', '-m', 'my message', 'train');
    same(twin, 'exp', 'run', '-n', 'bad name', '-S', 'lr=1');
    same(twin, 'exp', 'list', '--names-only');
    for (const flags of [
      ['--csv'],
      ['--md'],
      [],
      ['--csv', '--sort-by', 'lr'],
      ['--md', '--sort-by', 'params.yaml:lr', '--sort-order', 'desc'],
      ['--csv', '--drop', 'model.*'],
      ['--csv', '--only-changed', '--keep', 'flag'],
      ['--csv', '--hide-workspace', '--param-deps'],
      ['--csv', '--hide-failed', '--hide-queued', '-A'],
      ['--sort-by', 'nope'],
      ['--no-pager', '--only-changed'],
    ])
      same(twin, 'exp', 'show', ...flags);
    same(twin, 'exp', 'diff', 'one', 'two');
    same(twin, 'exp', 'diff', 'one', 'two', '--md', '--all');
    same(twin, 'exp', 'diff', 'one', 'two', '--no-path', '--param-deps');
  });

  it('apply, branch, rename, save, remove', () => {
    const twin = project(dvc);
    twin.change((folder, side) => {
      for (const [name, value] of [
        ['one', '0.5'],
        ['two', '0.9'],
      ] as const) {
        const args = ['exp', 'run', '-q', '-n', name, '-S', `lr=${value}`];
        const made = side.name === 'dvc' ? command(folder, dvc, args) : mlops(folder, args);
        expect(made.status, made.stderr).toBe(0);
      }
    });
    same(twin, 'exp', 'apply', 'one');
    same(twin, 'status');
    same(twin, 'params', 'diff');
    same(twin, 'exp', 'apply', 'nope');
    same(twin, 'exp', 'branch', 'one', 'br');
    same(twin, 'exp', 'branch', 'one', 'br');
    same(twin, 'exp', 'branch', 'nope');
    same(twin, 'exp', 'rename', 'one', 'uno');
    same(twin, 'exp', 'rename', 'uno', 'two');
    same(twin, 'exp', 'rename', 'nope', 'x');
    same(twin, 'exp', 'save', '-n', 'saved');
    same(twin, 'exp', 'save', '-n', 'saved');
    same(twin, 'exp', 'save', '-n', 'saved', '-f', '-m', 'msg');
    same(twin, 'exp', 'remove', 'two');
    same(twin, 'exp', 'remove', 'nope');
    same(twin, 'exp', 'remove');
    same(twin, 'exp', 'remove', 'uno');
    same(twin, 'exp', 'list', '-A');
    twin.judge();
  });
});
