import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

// A call of DVC takes a second or more.
vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'twins: what a target names', ({ dvc }) => {
  const verbs = ['status', 'push -q', 'pull -q', 'commit -q -f', 'stage list'];

  function project(): Twin {
    const twin = openTwin({ dvc });
    twin.change((_, { base }) => fs.mkdirSync(path.join(base, 'remote')));
    twin.dvc('remote', 'add', '-q', '-d', 'store', '../remote');
    return twin;
  }

  const runAll = (twin: Twin, target: string): void => {
    for (const verb of verbs)
      twin.run([...verb.split(' '), target], { anyStdout: verb === 'stage list' || verb === 'status' });
  };

  it('a .dvc file in a folder whose other contents Git ignores', () => {
    const twin = project();
    twin.write('in/raw/x.bin', 'n');
    twin.write('.gitignore', 'in/raw/**\n!in/raw/*.dvc\n');
    twin.run(['add', '-q', 'in/raw/x.bin']);
    twin.git('add', '-A');
    runAll(twin, 'in/raw/x.bin.dvc');
    twin.run(['remove', 'in/raw/x.bin.dvc']);
  });

  it('a .dvc file that Git ignores itself, or .dvcignore', () => {
    const twin = project();
    twin.write('in/x', 'n');
    twin.run(['add', '-q', 'in/x']);
    twin.write('.gitignore', '/in/\n');
    runAll(twin, 'in/x.dvc');
    twin.write('.gitignore', '');
    twin.write('.dvcignore', 'in\n');
    for (const verb of ['status', 'push -q', 'commit -q -f']) twin.run([...verb.split(' '), 'in/x.dvc']);
  });

  it('stage files and stages that a linked folder leads to', () => {
    const twin = project();
    twin.write('data/f', 'd');
    twin.write('out/dvc.yaml', 'stages:\n  s:\n    cmd: cp ../data/f o\n    deps: [../data/f]\n    outs: [o]\n');
    twin.run(['add', '-q', 'data/f']);
    twin.run(['repro', '-q', 'out/dvc.yaml']);
    twin.change((folder) => {
      fs.symlinkSync('data', path.join(folder, 'link'));
      fs.symlinkSync('out', path.join(folder, 'lout'));
    });
    for (const target of ['link/f.dvc', 'lout/dvc.yaml', 'lout/dvc.yaml:s']) {
      for (const verb of ['push -q', 'status']) twin.run([...verb.split(' '), target]);
    }
    twin.run(['status', 'lout/dvc.yaml:nope']);
  });

  it('what is named is done while another file cannot be read', () => {
    const twin = project();
    twin.write('a', 'a1');
    twin.write('b', 'b1');
    twin.run(['add', '-q', 'a', 'b']);
    twin.write('dvc.yaml', 'stages:\n  s:\n    cmd: cp a c\n    deps: [a]\n    outs: [c]\n');
    twin.run(['repro', '-q']);
    twin.write('sub/dvc.yaml', 'stages:\n  s:\n    cmd: echo\n    unknownkey: 1\n');
    twin.write('a', 'a2');
    for (const words of ['status a.dvc', 'commit -q -f a.dvc', 'push -q a.dvc', 'checkout -q a.dvc', 'pull -q a.dvc'])
      twin.run(words.split(' '));
    for (const words of ['status s', 'freeze s', 'unfreeze s', 'remove b.dvc']) twin.run(words.split(' '));
    for (const words of ['status', 'status sub/dvc.yaml', 'status c', 'status nope', 'push'])
      twin.run(words.split(' '), { anyStdout: true });
  });

  it('a listing that would leave outputs out is an error', () => {
    const twin = project();
    twin.write('d', 'd');
    twin.run(['add', '-q', 'd']);
    twin.write('dvc.yaml', 'stages:\n  a:\n    cmd: x\n    unknownkey: 1\n');
    for (const words of ['list .', 'list . -R --dvc-only', 'get . d -o e', 'import . d -o f']) {
      twin.run(words.split(' '), { anyStdout: true });
    }
  });

  it('artifacts count from the top of the Git repository, imports are data sources', () => {
    const twin = openTwin({ dvc, init: false });
    twin.git('init', '-q', '-b', 'main');
    twin.change((folder) => fs.mkdirSync(path.join(folder, 'sub')));
    twin.run(['init', '-q', '--subdir'], { in: 'sub' });
    twin.write('sub/s.bin', 's1');
    twin.run(['add', '-q', 's.bin'], { in: 'sub' });
    twin.write('sub/dvc.yaml', 'artifacts:\n  art:\n    path: s.bin\n');
    twin.git('add', '-A');
    twin.git('commit', '-q', '-m', '1');
    twin.git('tag', '-a', 'sub=art@v1.0.0', '-m', 'x');
    twin.git('tag', '-a', 'art@v1.0.0', '-m', 'x');
    for (const [from, folder] of [
      ['.', ''],
      ['sub', ''],
      ['.', 'sub'],
      ['..', 'sub'],
    ] as const) {
      twin.run(['artifacts', 'get', from, 'sub:art', '-o', 'o', '-f'], { in: folder, anyStdout: true });
      twin.run(['artifacts', 'get', from, 'art', '-o', 'o', '-f'], { in: folder, anyStdout: true });
    }
    twin.change((_, { base }) => fs.writeFileSync(path.join(base, 'ext'), '5'));
    twin.run(['import-url', '-q', '../../ext', 'ext'], { in: 'sub' });
    twin.git('add', '-A');
    twin.git('commit', '-q', '-m', '2');
    const shown = twin.run(['exp', 'show', '--json'], { in: 'sub', anyStdout: true }).stdout;
    expect(shown.match(/"is_data_source": ?true/g)).toHaveLength(4);
  });
});
