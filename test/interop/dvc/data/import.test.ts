import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { command } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Side, type Twin } from '../../../twin.ts';

describeWithTool('dvc', 'twins: data from elsewhere', ({ dvc }) => {
  /** Twins with another repository beside each project: two commits, the first tagged v1, pushed to `store`. */
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    for (const side of twin.sides) makeSource(side, dvc);
    return twin;
  };

  it('list: flat, recursive, trees, levels, sizes, hashes, at revisions', () => {
    const twin = open();
    for (const args of listings) twin.run(args);
    twin.run(['list', 'file:///no/such/repo'], { anyStdout: true });
  }, 240_000);

  it('du: entries and sums', () => {
    const twin = open();
    const sums = ['../src', '../src -s', '../src data/a.txt', '../src data/d', '../src code --rev v1'];
    for (const words of sums) twin.run(['du', ...words.split(' ')]);
  }, 120_000);

  it('get: files, folders, parts of outputs, from the work tree, revisions and clones', () => {
    const twin = open();
    twin.run(['get', '../src', 'data/a.txt']);
    twin.run(['get', '../src', 'data/a.txt']);
    twin.run(['get', '../src', 'data/a.txt', '--force']);
    twin.run(['get', '../src', 'data', '-o', 'all']);
    twin.run(['get', '../src', 'data', '-o', 'all-v1', '--rev', 'v1']);
    twin.run(['get', '../src', 'data/d/sub', '-o', 'part', '--rev', 'v1']);
    twin.run(['get', '../src', 'code', '-o', 'code']);
    twin.run(['get', '../src', 'README.md', '-o', 'all']);
    twin.run(['get', '../src', 'data/d', '-o', 'x.dvc']);
    twin.run(['get', '../src', 'nope']);
    twin.run(['get', '../src', 'data/a.txt', '--show-url']);
    twin.run(['get', '../src', 'README.md', '--show-url']);
    twin.run(['get', '../src', 'data/a.txt', '--rev', 'nope', '-o', 'y']);
  }, 240_000);

  it('get: from a clone, whose remote is given', () => {
    const twin = open();
    const [theirs, ours] = twin.sides.map((side) => {
      const url = `file://${side.base}/src`;
      const remote = ['--remote-config', `url=${side.base}/store`];
      const args = ['get', url, 'data/d', '-o', 'd', '--rev', 'v1', ...remote];
      return { side, args };
    });
    for (const each of [theirs, ours]) {
      if (each === undefined) throw new Error('no side');
      const own = { DVC_SITE_CACHE_DIR: path.join(each.side.base, 'site') };
      const program = each.side.name === 'dvc' ? dvc : process.execPath;
      const words = each.side.name === 'dvc' ? each.args : [mlopsBin(), ...each.args];
      const result = command(each.side.project, program, words, { env: own });
      expect(result.status, result.stderr).toBe(0);
    }
    twin.run(['list', '.']);
    twin.run(['list-url', 'd', '-T']);
  }, 120_000);

  it('import: from the work tree and revisions, with and without content, and update', () => {
    const twin = open();
    twin.run(['import', '../src', 'data/a.txt']);
    twin.run(['import', '../src', 'data/d', '-o', 'dd', '--rev', 'v1']);
    twin.write('sub/keep', '');
    twin.run(['import', '../src', 'code', '-o', 'sub']);
    twin.run(['import', '../src', 'README.md', '-o', 'R', '--no-download']);
    twin.run(['import', '../src', 'big.bin', '--no-exec']);
    twin.run(['import', '../src', 'data', '-o', 'all', '--remote', 'st']);
    twin.run(['import', '../src', 'big.bin', '-o', 'b3', '--remote-config', 'jobs=3']);
    twin.run(['import', '../src', 'data/a.txt']);
    twin.run(['import', '../src', 'nope']);
    twin.run(['import', '../src', 'data/a.txt', '-f']);
    twin.run(['update', 'a.txt.dvc', 'dd.dvc']);
    twin.run(['update', 'dd.dvc', '--rev', 'main']);
    twin.run(['update', 'R.dvc', 'big.bin.dvc']);
    for (const side of twin.sides) commitMore(side);
    twin.run(['update', 'a.txt.dvc', 'R.dvc']);
    twin.run(['update', 'b3.dvc', '--no-download']);
    twin.run(['update', '-R', 'sub']);
    twin.run(['update', 'nope']);
    twin.run(['update', 'a.txt.dvc', '--to-remote'], { anyStdout: true });
    twin.run(['update', 'a.txt.dvc', '-r', 'x'], { anyStdout: true });
  }, 300_000);

  it('pull: what was imported comes from where it was imported', () => {
    const twin = open();
    twin.dvc('import', '-q', '../src', 'data/d', '--rev', 'v1');
    twin.dvc('import', '-q', '../src', 'code');
    twin.dvc('import', '-q', '../src', 'data', '-o', 'mixed');
    twin.dvc('import', '-q', '../src', 'README.md');
    for (const file of ['.dvc/cache', 'd', 'code', 'mixed', 'README.md']) twin.remove(file);
    // DVC leaves another manifest in the cache, which nothing refers to.
    twin.run(['fetch', 'd.dvc', 'code.dvc'], { anyTree: true });
    twin.run(['pull'], { anyTree: true });
  }, 200_000);

  it('import-url: files and folders outside and inside, and update', () => {
    const twin = open();
    for (const { base } of twin.sides) {
      fs.writeFileSync(path.join(base, 'ext.csv'), 'e1\n', { mode: 0o755 });
      fs.mkdirSync(path.join(base, 'extd/k'), { recursive: true });
      fs.writeFileSync(path.join(base, 'extd/a'), '1\n');
      fs.writeFileSync(path.join(base, 'extd/k/b'), '2\n');
    }
    twin.write('inner.txt', 'inn\n');
    twin.run(['import-url', '../ext.csv']);
    twin.run(['import-url', '../extd']);
    twin.run(['import-url', '../extd', 'xd', '--no-download']);
    twin.run(['import-url', '../ext.csv', 'x2.csv', '--no-exec']);
    twin.run(['import-url', 'inner.txt', 'in2.txt']);
    twin.run(['import-url', '../ext.csv']);
    twin.run(['import-url', 'nope']);
    twin.run(['import-url', '../nope']);
    twin.run(['import-url', '../ext.csv', 'x3.csv', '--to-remote'], { anyStdout: true });
    twin.dvc('remote', 'add', '-q', '-d', 'st', '../store2');
    twin.run(['import-url', '../ext.csv', 'x3.csv', '--to-remote']);
    twin.run(['import-url', '../ext.csv', 'x4.csv', '-r', 'st'], { anyStdout: true });
    twin.run(['update', 'ext.csv.dvc', 'extd.dvc']);
    for (const { base } of twin.sides) {
      fs.writeFileSync(path.join(base, 'ext.csv'), 'e22\n');
      fs.writeFileSync(path.join(base, 'extd/k/c'), '3\n');
    }
    twin.run(['update', 'ext.csv.dvc', 'extd.dvc', 'in2.txt.dvc']);
    twin.run(['update', 'x3.csv.dvc', '--to-remote']);
    twin.run(['update', 'xd.dvc', '--no-download']);
  }, 300_000);

  it('get-url and list-url: paths', () => {
    const twin = open();
    twin.run(['get-url', '../src/code']);
    twin.run(['get-url', '../src/code/run.py', 'here.py']);
    twin.run(['get-url', '../src/code/run.py', 'here.py']);
    twin.run(['get-url', '../src/code/run.py', 'here.py', '-f']);
    twin.run(['get-url', '../src/nope']);
    twin.run(['list-url', '../src/code']);
    twin.run(['list-url', '../src/data', '-T', '-L', '1']);
    twin.run(['list-url', '../src/README.md']);
    twin.run(['list-url', '../src/nope']);
  }, 120_000);
});

const listings = `../src
  ../src data
  ../src data/a.txt
  ../src/data
  ../src data/d
  ../src -R
  ../src -R -L 2
  ../src -R --dvc-only
  ../src data --size --show-hash
  ../src -T
  ../src -T -L 2 --size
  ../src data/d -T --show-hash --size
  ../src -T --size --rev v1
  ../src -T --json
  ../src --json
  ../src data --json --rev v1
  ../src code --json
  ../src data/d --json --rev v1
  ../src data/d/sub --json --rev main
  ../src --json -R --dvc-only --rev v1
  ../src -R -L 0 --json
  ../src nope
  ../src --rev nope
  ../nowhere
  . -R
  . --dvc-only`
  .split('\n')
  .map((words) => ['list', ...words.trim().split(' ')]);

function makeSource(side: Side, dvc: string): void {
  const folder = path.join(side.base, 'src');
  const write = (file: string, content: string, mode = 0o644): void => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), content, { mode });
  };
  write('data/a.txt', 'hello\n');
  write('data/d/x', '1\n');
  write('data/d/sub/y', '22\n');
  write('code/run.py', 'print(1)\n', 0o755);
  write('big.bin', '\0'.repeat(5000));
  write('README.md', 'r\n');
  const run = runner(side, folder);
  run('git', 'init', '-q', '-b', 'main');
  run(dvc, 'init', '-q');
  run(dvc, 'add', '-q', 'data/a.txt', 'data/d', 'big.bin');
  run(dvc, 'remote', 'add', '-q', '-d', 'st', '../store');
  commitAll(run, 'one');
  run('git', 'tag', 'v1');
  run(dvc, 'push', '-q');
  write('data/d/z', '333\n');
  run(dvc, 'add', '-q', 'data/d');
  commitAll(run, 'two');
  run(dvc, 'push', '-q');
}

function commitMore(side: Side): void {
  const folder = path.join(side.base, 'src');
  fs.writeFileSync(path.join(folder, 'README.md'), 'changed\n');
  commitAll(runner(side, folder), 'three');
}

type Run = (program: string, ...args: string[]) => void;

function runner(side: Side, folder: string): Run {
  const env = {
    GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z',
    GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z',
    DVC_SITE_CACHE_DIR: path.join(side.base, 'site'),
    HOME: path.join(side.base, 'home'),
  };
  return (program, ...args) => {
    const result = command(folder, program, args, { env });
    expect(result.status, result.stderr).toBe(0);
  };
}

function commitAll(run: Run, message: string): void {
  run('git', 'add', '-A');
  run('git', 'commit', '-q', '-m', message);
}

function mlopsBin(): string {
  return path.join(import.meta.dirname, '../../../../bin/mlops.js');
}
