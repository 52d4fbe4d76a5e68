import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { it, onTestFinished, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 400_000 });

describeWithTool(['dvc', 'flock'], 'twins: locks', ({ dvc, flock }) => {
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    twin.write('a', 'a');
    twin.write('b', 'b');
    twin.write('d/x', 'x');
    const stage = '  s:\n    cmd: cp a c\n    deps: [a]\n    outs: [c]\n';
    twin.write('dvc.yaml', `stages:\n${stage}`);
    twin.run(['add', 'a', 'd']);
    twin.run(['repro', '-q']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    return twin;
  };

  it('who holds .dvc/tmp/lock keeps both tools from what changes the project, not from looking', async () => {
    const twin = open();
    await Promise.all(
      twin.sides.map(async ({ project }) => {
        const script = 'echo held; exec sleep 600';
        const child = spawn(flock, [path.join(project, '.dvc/tmp/lock'), 'sh', '-c', script], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        onTestFinished(() => void child.kill('SIGKILL'));
        await new Promise((resolve) => child.stdout.once('data', resolve));
      }),
    );
    const changing = ['status', 'add b', 'checkout', 'push', 'remove a.dvc'];
    for (const words of changing) twin.run(words.split(' '), { anyStdout: true });
    const looking = [
      'data status',
      'stage list',
      'list .',
      'du . a',
      'dag --dot',
      'config core.autostage true',
      'root',
    ];
    for (const words of looking) twin.run(words.split(' '));
  });

  it('what the running stage of another process reads or writes, both leave alone', () => {
    const twin = open();
    /** This very process is the one that works on the file. */
    const hold = (mode: 'read' | 'write', file: string): void =>
      twin.change((project) => {
        const holder = { pid: process.pid, cmd: 'dvc repro' };
        const entry = { [path.join(project, file)]: mode === 'read' ? [holder] : holder };
        fs.writeFileSync(path.join(project, '.dvc/tmp/rwlock'), JSON.stringify({ [mode]: entry }));
      });
    hold('write', 'a');
    const actions = [
      'add a',
      'commit -f a',
      'status',
      'status d',
      'remove a.dvc',
      'checkout',
      'data status',
      'gc -w -f',
    ];
    for (const words of actions) twin.run(words.split(' '));
    hold('write', 'd');
    twin.run(['add', 'd/x']);
    hold('read', 'a');
    for (const words of ['status', 'add a', 'commit -f']) twin.run(words.split(' '));
    twin.change((project) => fs.writeFileSync(path.join(project, '.dvc/tmp/rwlock'), '{}'));
    twin.run(['add', 'a']);
    twin.judge();
  });

  it('entries of processes that are gone hold nobody up', () => {
    const twin = open();
    const { pid } = spawnSync('true');
    twin.change((project) => {
      const entry = { [path.join(project, 'a')]: { pid, cmd: 'dvc repro' } };
      fs.writeFileSync(path.join(project, '.dvc/tmp/rwlock'), JSON.stringify({ write: entry }));
    });
    twin.run(['status']);
    twin.run(['add', 'a']);
  });
});

describeWithTool('dvc', 'twins: gc of what cannot be read', ({ dvc }) => {
  it('stops at a revision that is broken, unless told to pass over it', () => {
    const twin = openTwin({ dvc });
    twin.write('a', '1');
    twin.run(['add', 'a']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.write('dvc.yaml', 'stages: [\n');
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'broken');
    twin.remove('dvc.yaml');
    twin.write('a', '2');
    twin.run(['add', 'a']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'two');
    twin.run(['gc', '-A', '-f']);
    twin.run(['gc', '-A', '-f', '--skip-failed']);
  });
});
