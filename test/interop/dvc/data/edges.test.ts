import * as fs from 'node:fs';
import * as path from 'node:path';
import { it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'twins: edges of tracking', ({ dvc }) => {
  const open = (): Twin => openTwin({ dvc });

  it('add: stage files, patterns without a match, ignored .dvc files, folders that are not there, outs named twice', () => {
    const twin = open();
    twin.write('z', 'z');
    twin.write('dvc.yaml', '');
    for (const words of ['add dvc.yaml', 'add z.dvc', 'add .dvc', 'add .', 'add .git']) twin.run(words.split(' '));
    twin.run(['add', '--glob', 'nothing*']);
    twin.run(['add', '--glob', '**/*.txt', 'x*']);
    twin.write('hidden/x', 'x');
    twin.write('hidden/.gitignore', '*\n');
    twin.run(['add', 'hidden/x']);
    twin.run(['add', 'hidden']);
    twin.change((_, { base }) => fs.writeFileSync(path.join(base, 'outside'), 'outside'));
    twin.run(['add', '../outside', '-o', 'no/such/folder']);
    twin.run(['add', 'z']);
    twin.write('again.dvc', 'outs:\n- path: z\n');
    twin.run(['add', 'z']);
  });

  it('commit: of a pipeline without dvc.lock, of what the cache lost, with deps, in folders', () => {
    const twin = open();
    twin.write(
      'dvc.yaml',
      'stages:\n  a:\n    cmd: cp in out\n    deps: [in]\n    outs: [out]\n  b:\n    cmd: cp out out2\n    deps: [out]\n    outs: [out2]\n',
    );
    for (const file of ['in', 'out', 'out2']) twin.write(file, 'i');
    twin.run(['commit']);
    twin.run(['commit', '-f']);
    for (const file of ['in', 'out', 'out2']) twin.write(file, 'j');
    twin.run(['commit', 'b', '-d']);
    twin.run(['commit', 'b', '-f']);
    twin.run(['commit', 'a', '-f']);
    twin.run(['status']);
    twin.write('sub/d/x', 'x');
    twin.run(['add', 'sub/d']);
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true }));
    twin.run(['commit']);
    twin.write('sub/d/y', 'y');
    twin.run(['commit', '-R', 'sub']);
    twin.run(['commit', '-R', 'sub', '-f', '--no-relink']);
    twin.judge();
  });

  it('data status: a file that became a folder, untracked files from below the root; diff: empty targets', () => {
    const twin = open();
    twin.write('t', 't');
    twin.write('e/z', 'z');
    twin.run(['add', 't', 'e']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.remove('t');
    twin.write('t/i', 'i');
    twin.remove('e');
    twin.write('e', 'file');
    for (const flags of [[], ['--granular'], ['--json', '--granular'], ['--json', '--unchanged']]) {
      twin.run(['data', 'status', ...flags]);
    }
    twin.write('s/loose', 'loose');
    twin.write('loose', 'loose');
    twin.run(['data', 'status', '--untracked-files', '--json'], { in: 's' });
    twin.run(['data', 'status', '--untracked-files=all'], { in: 's' });
    twin.run(['diff', '--targets']);
    twin.run(['diff', '--targets', 't', 'e', '--json']);
    twin.run(['diff', '--targets', 'nope']);
  });

  it('config: whole remotes, and options of remotes of other levels', () => {
    const twin = open();
    twin.run(['remote', 'add', '--local', 'near', '../near']);
    twin.run(['remote', 'add', 'far', 's3://bucket/far']);
    twin.run(['remote', 'modify', 'near', 'url', '../nearer']);
    twin.run(['remote', 'default', 'near']);
    twin.run(['remote', 'modify', '--global', 'far', 'region', 'x']);
    twin.run(['config', '-u', 'remote.far']);
    twin.run(['config', '-u', 'remote.far.url']);
    twin.run(['config', '-l', '--project']);
  });
});
