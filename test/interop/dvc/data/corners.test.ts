import * as fs from 'node:fs';
import * as path from 'node:path';
import { it, vi } from 'vitest';
import { command } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 600_000 });

const fixedDates = { GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z' };

describeWithTool('dvc', 'twins: corners of the data commands', ({ dvc }) => {
  const open = (): Twin => openTwin({ dvc });
  const folder = (twin: Twin, ...names: string[]): void =>
    twin.change((project) => names.forEach((name) => fs.mkdirSync(path.join(project, name), { recursive: true })));

  it('checkout takes away folders without files, and nothing else of what it was not asked for', () => {
    const twin = open();
    twin.write('d/a', '1');
    folder(twin, 'd/s/t');
    twin.run(['add', 'd']);
    folder(twin, 'd/e');
    twin.run(['status']);
    twin.run(['checkout', 'd', '--summary']);
    folder(twin, 'd/e/f/g');
    twin.remove('d/a');
    twin.run(['checkout', 'd/a']);
    twin.run(['checkout']);
    folder(twin, 'd/e', 'd/kept');
    twin.write('.dvcignore', 'd/kept\n');
    twin.write('d/b', '2');
    twin.run(['checkout']);
    twin.run(['checkout', '--summary', '-f']);
  });

  it('fetch, pull, push, status -c and gc -c without a remote, or without one that is the default', () => {
    const twin = open();
    twin.run(['push']);
    twin.write('d/a', '1');
    twin.write('x', '2');
    twin.run(['add', 'd', 'x']);
    for (const words of ['fetch', 'pull', 'push', 'fetch --run-cache', 'status -c']) twin.run(words.split(' '));
    twin.write('d/b', '3');
    twin.remove('x');
    twin.run(['pull', '-f']);
    twin.run(['gc', '-w', '-c', '-f']);
    twin.run(['data', 'status', '--not-in-remote', '--json']);
    twin.dvc('remote', 'add', '-q', 'loc', '../loc');
    twin.change((project) => {
      const file = path.join(project, 'x.dvc');
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('  path', '  remote: loc\n  path'));
    });
    twin.run(['push']);
    twin.run(['push', 'x']);
    twin.run(['push', '-r', 'nope']);
    twin.run(['status', '-r', 'nope']);
    twin.dvc('config', 'core.remote', 'nope');
    twin.run(['fetch']);
  });

  it('paths are from where one stands in status -c and list, and from the top in data status', () => {
    const twin = open();
    twin.dvc('remote', 'add', '-q', '-d', 'loc', '../loc');
    twin.run(['status', '-c']);
    twin.write('d/s/b', '1');
    twin.write('e/c', '2');
    twin.run(['add', 'd', 'e/c']);
    twin.run(['status', '-c'], { in: 'e' });
    twin.run(['status', '-c', '--json'], { in: 'e' });
    twin.run(['data', 'status', '../d'], { in: 'e' });
    twin.run(['data', 'status', 'd'], { in: 'e' });
    twin.run(['data', 'status', '.', '--json', '--untracked-files']);
    twin.run(['data', 'status', '*', '--json', '--untracked-files']);
    for (const words of ['status --json', 'data status --json', 'diff', 'diff --json', 'list .']) {
      twin.run([...words.split(' '), '-q']);
    }
  });

  it('diff: targets that one side knows, that none knows, and the same commit twice', () => {
    const twin = open();
    twin.write('d/a', '1');
    twin.run(['add', 'd']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.git('tag', 'v1');
    twin.write('x', '2');
    twin.write('d/a', '3');
    twin.run(['add', 'd', 'x']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'two');
    twin.run(['diff', 'v1', 'HEAD', '--targets', 'x', 'd/a', '--json']);
    twin.run(['diff', 'v1', '--targets', 'd.dvc']);
    twin.run(['diff', 'v1', '--targets', 'nope']);
    twin.run(['diff', 'v1', '--targets', '.dvc']);
    twin.run(['diff', 'HEAD', 'main', '--targets', 'nope']);
    twin.run(['diff', 'HEAD', 'HEAD', '--targets', 'nope']);
  });

  it('add, commit and move leave all as it was when they fail', () => {
    const twin = open();
    twin.write('x', '1');
    twin.write('d/a', '2');
    twin.run(['add', 'd']);
    twin.run(['add', 'd/nope']);
    twin.run(['add', 'x', 'nope/y']);
    twin.run(['add', 'x', 'nope']);
    twin.run(['add', 'x']);
    twin.run(['move', 'x', 'nope/x']);
    twin.write('g', 'by Git');
    twin.git('add', 'g');
    twin.write('g.dvc', 'outs:\n- path: g\n');
    twin.write('g', 'changed');
    twin.run(['commit', '-f', 'g.dvc']);
    twin.remove('g.dvc');
    twin.write('.dvcignore', '*.txt\n');
    for (const { base } of twin.sides) fs.writeFileSync(path.join(base, 'e.txt'), 'outside');
    twin.run(['import-url', '../e.txt']);
    twin.run(['import-url', 'd', 'd/inside']);
    twin.run(['update', 'x.dvc']);
    twin.run(['update', 'x.dvc', '--rev', 'HEAD']);
  });

  it('links into a cache that moved are made anew', () => {
    const twin = open();
    twin.dvc('config', 'cache.type', 'symlink');
    twin.write('d/a', '1');
    twin.write('x', '2');
    twin.run(['add', 'd', 'x']);
    twin.change((project, { base }) => fs.renameSync(path.join(project, '.dvc/cache'), path.join(base, 'moved')));
    twin.dvc('cache', 'dir', '../moved');
    twin.run(['data', 'status', '--json', '--granular']);
    twin.run(['checkout']);
    twin.run(['status']);
  });

  it('config: a remote keeps its section when its last option goes, and must keep its URL', () => {
    const twin = open();
    twin.dvc('config', 'remote.loc.url', '../loc');
    twin.run(['config', '--local', 'remote.loc.jobs', '3']);
    twin.run(['config', '--local', '-u', 'remote.loc.jobs']);
    twin.run(['config', '--local', '-u', 'remote.loc']);
    twin.run(['remote', 'modify', '-u', 'loc', 'url']);
    twin.run(['config', '-u', 'remote.loc.url']);
    twin.run(['remote', 'modify', '--local', '-u', 'loc', 'verify']);
    twin.run(['remote', 'remove', 'loc']);
  });

  it('gc --date counts from the first second of a day, and takes nothing else for a day', () => {
    const twin = open();
    twin.write('x', '1');
    twin.run(['add', 'x']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.write('x', '2');
    twin.run(['add', 'x']);
    for (const date of ['soon', '2024-01-32', '2024-01-02', '2024-1-2', '2024-01-03']) {
      twin.run(['gc', '--date', date, '-f']);
    }
  });

  it('commit of a part keeps that part alone; what is not there is refused', () => {
    const twin = open();
    twin.write('d/a', '1');
    twin.write('d/s/b', '2');
    twin.run(['add', 'd']);
    twin.write('d/a', '3');
    twin.write('d/new', '4');
    twin.run(['commit', 'd/nope']);
    twin.run(['commit', '-f', 'd/new']);
    twin.run(['status']);
    twin.run(['commit', '-f', 'd/a']);
    twin.run(['status', '..', '-R']);
  });

  it('imports that were never downloaded, and those whose source is gone', () => {
    const twin = open();
    for (const { base } of twin.sides) {
      fs.mkdirSync(path.join(base, 'src'));
      fs.writeFileSync(path.join(base, 'src/f'), 'imported');
      for (const words of ['init -q', 'add f', 'commit -qm f'])
        command(path.join(base, 'src'), 'git', words.split(' '), { env: fixedDates });
      fs.writeFileSync(path.join(base, 'ext'), 'outside');
    }
    twin.run(['import-url', '../ext', '--no-download']);
    twin.run(['import-url', '../ext', 'aware', '--version-aware', '--no-exec']);
    twin.run(['data', 'status', '--json', '--granular']);
    twin.run(['status', '-c']);
    twin.run(['import', '../src', 'f']);
    for (const { project, base } of twin.sides) {
      fs.rmSync(path.join(base, 'src'), { recursive: true });
      fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
    }
    twin.run(['fetch', 'f.dvc']);
    twin.run(['pull', 'f.dvc']);
    twin.remove('f');
    twin.run(['pull', 'f.dvc']);
  });
});
