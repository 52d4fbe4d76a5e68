import * as fs from 'node:fs';
import * as path from 'node:path';
import { it, vi } from 'vitest';
import { command } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Side, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'twins: where things come from and go to', ({ dvc }) => {
  const git = (side: Side, folder: string, ...words: string[]): void => {
    command(path.join(side.base, folder), 'git', words, {
      env: { GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z' },
    });
  };
  const put = (side: Side, files: Readonly<Record<string, string>>): void => {
    for (const [file, content] of Object.entries(files)) {
      const target = path.join(side.base, file);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, content);
    }
  };
  /** Twins beside a plain folder `ext` and a DVC repository `src` with two versions of `data` and `model`. */
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    for (const side of twin.sides) {
      put(side, { 'ext/file.txt': 'external', 'ext/folder/a': 'a', 'ext/folder/sub/b': 'b', 'ext/.hidden': 'h' });
      put(side, { 'src/README': 'read', 'src/data/x': '1', 'src/data/sub/y': 'y', 'src/model': 'one' });
      git(side, 'src', 'init', '-q', '-b', 'main');
      const run = (...words: string[]): void => {
        const env = { DVC_SITE_CACHE_DIR: path.join(side.base, 'site'), HOME: path.join(side.base, 'home') };
        command(path.join(side.base, 'src'), dvc, words, { env });
      };
      run('init', '-q');
      run('add', '-q', 'data', 'model');
      git(side, 'src', 'add', '-A');
      git(side, 'src', 'commit', '-qm', 'one');
      git(side, 'src', 'tag', 'v1');
      put(side, { 'src/data/z': 'z', 'src/model': 'two' });
      run('add', '-q', 'data', 'model');
      git(side, 'src', 'commit', '-qam', 'two');
    }
    return twin;
  };

  it('list, get and du of a folder that is no repository; import of one is refused', () => {
    const twin = open();
    twin.run(['list', '../ext']);
    twin.run(['list', '../ext', 'folder', '-R']);
    twin.run(['list', '../ext', '-T']);
    twin.run(['list', '../ext', '--rev', 'HEAD']);
    twin.run(['get', '../ext', 'file.txt']);
    twin.run(['get', '../ext', 'folder', '-o', 'copy']);
    twin.run(['get', '../ext', 'nope']);
    twin.run(['du', '../ext']);
    twin.run(['import', '../ext', 'file.txt', '-o', 'imported']);
    for (const side of twin.sides) git(side, 'ext', 'init', '-q');
    for (const side of twin.sides) git(side, 'ext', 'add', '-A');
    for (const side of twin.sides) git(side, 'ext', 'commit', '-qm', 'one');
    twin.run(['list', '../ext/folder'], { anyTree: true });
    twin.run(['list', '../ext/folder', '--rev', 'HEAD'], { anyTree: true });
    twin.run(['get', '../ext/folder', 'folder/a', '--rev', 'HEAD', '-o', 'part'], { anyTree: true });
  });

  it('paths in a repository: above its top, absolute, and from a folder below', () => {
    const twin = open();
    twin.write('d/a', '1');
    twin.write('d/s/b', '2');
    twin.run(['add', 'd']);
    for (const where of ['..', '../..', 'd/../..', '/d', './d', 'd/', 'd/a', 'nope']) twin.run(['list', '.', where]);
    for (const { project } of twin.sides) fs.mkdirSync(path.join(project, 'e'));
    twin.run(['list', '.'], { in: 'd' });
    twin.run(['list', '.', '-R'], { in: 'd/s' });
    twin.run(['list', '..', 'a'], { in: 'd' });
    twin.run(['list', '.', 'd'], { in: 'e' });
    twin.run(['get', '.', 'a', '-o', 'copy'], { in: 'd' });
    twin.run(['get', '../src', '../data', '-o', 'above']);
    twin.run(['get', '../src', '/data', '-o', 'absolute']);
    twin.run(['import', '../src', '/data', '-o', 'imported']);
    twin.run(['get', '--show-url', '.', 'd']);
    twin.run(['get', '--show-url', '.', 'd/a']);
    twin.run(['get', '--show-url', '../src', 'README']);
    twin.run(['get', '--show-url', '../nope', 'x']);
    twin.run(['get', '--show-url', '../src', 'data', '--rev', 'nope']);
  });

  it('a project in a folder of another one is gone into', () => {
    const twin = open();
    twin.write('sub/d', '1');
    twin.write('sub/k/kk', 'k');
    twin.run(['init', '--subdir'], { in: 'sub' });
    twin.run(['add', 'd', 'k'], { in: 'sub' });
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.run(['list', '.']);
    twin.run(['list', '.', 'sub']);
    twin.run(['list', 'sub', '-R', '--dvc-only']);
    twin.run(['list', '.', 'sub/k', '--rev', 'HEAD']);
    twin.run(['get', '.', 'sub/d', '-o', 'one']);
    twin.run(['get', '.', 'sub/k', '-o', 'two', '--rev', 'HEAD']);
    twin.run(['get', '.', 'sub', '-o', 'three']);
    twin.run(['import', '.', 'sub/k', '-o', 'imported']);
    twin.run(['status']);
  });

  it('get and get-url with --force keep what else is in a folder; what is no place is refused', () => {
    const twin = open();
    twin.run(['get', '../src', 'data']);
    twin.write('data/mine', 'mine');
    twin.run(['get', '../src', 'data', '-f']);
    twin.run(['get', '../src', 'data', '--rev', 'v1', '-f']);
    twin.run(['get', '../src', 'data/sub', '-o', 'data', '-f']);
    twin.run(['get', '../src', 'model']);
    twin.run(['get', '../src', 'model', '--rev', 'v1', '-f']);
    twin.run(['get', '../src', 'data', '-o', 'model', '-f']);
    twin.run(['get', '../src', '.']);
    twin.run(['get', '../src', '.', '-f']);
    twin.run(['get-url', '../ext/folder']);
    twin.write('folder/mine', 'mine');
    twin.run(['get-url', '../ext/folder', '-f']);
    twin.run(['get-url', '../ext/file.txt', 'folder']);
    twin.run(['get-url', '../ext/folder', 'model', '-f']);
    twin.run(['get-url', '../ext/nope', 'new/place']);
  });

  it('outputs without a recorded hash are listed as files', () => {
    const twin = open();
    twin.write('x', '1');
    twin.write('od/k', '1');
    twin.write(
      'dvc.yaml',
      'stages:\n  s:\n    cmd: cp x out && mkdir -p od && cp x od/1\n    deps: [x]\n    outs: [out, od, sub/out]\n',
    );
    for (const more of [['--json'], ['-R'], ['--dvc-only', '-R'], ['out'], ['od', '--json']]) {
      twin.run(['list', '.', ...more]);
    }
    twin.run(['get', '.', 'out', '-o', 'copy']);
    twin.run(['du', '.']);
  });
});
