import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 400_000 });

describeWithTool('dvc', 'twins: odd situations', ({ dvc }) => {
  const open = (): Twin => openTwin({ dvc });

  it('ignore files: nested, negated, and one where it may not be', () => {
    const twin = open();
    twin.write('.dvcignore', '*.log\n');
    twin.write('a/.dvcignore', '!keep.log\n');
    for (const name of ['x.log', 'keep.log', 'y']) twin.write(`a/b/${name}`, name);
    twin.run(['add', 'a/b']);
    twin.run(['check-ignore', '-d', 'a/b/x.log', 'a/b/keep.log', 'a/b/y']);
    twin.write('d/z', 'z');
    twin.write('d/.dvcignore', '*.tmp\n');
    twin.run(['add', 'd']);
    twin.run(['status']);
  });

  it('names: composed and decomposed, quotes, backslashes, spaces, patterns', () => {
    const twin = open();
    const names = [
      'e\u0301',
      '\u00e9',
      'back\\slash',
      'q"uote',
      "apos'",
      ' sp ace ',
      '#hash',
      '[br]*?',
      '-dash',
      'tab\t',
      'new\nline',
    ];
    for (const [i, name] of names.entries()) twin.write(`d/${name}`, String(i));
    twin.run(['add', 'd']);
    twin.run(['status']);
    twin.remove('d');
    twin.run(['checkout']);
    for (const name of ['#hash', '!bang', '[br]', 'a:b']) {
      twin.write(name, name);
      twin.run(['add', name]);
    }
    twin.judge();
  });

  it('links: to folders, to files, out of the project, to themselves; folders without files; great depth', () => {
    const twin = open();
    twin.write('real/r', 'r');
    twin.write('d/q', 'q');
    twin.write('single', 's');
    twin.write('outside-of', 'o');
    const deep = `deep/${Array.from({ length: 60 }, (_, i) => `level${i}`).join('/')}`;
    twin.write(`${deep}/f`, 'deep');
    twin.change((project, { base }) => {
      fs.symlinkSync('../real', path.join(project, 'd/link'));
      fs.symlinkSync('single', path.join(project, 'to-single'));
      fs.writeFileSync(path.join(base, 'elsewhere'), 'elsewhere');
      fs.symlinkSync(path.join(base, 'elsewhere'), path.join(project, 'out'));
      fs.symlinkSync('l2', path.join(project, 'l1'));
      fs.symlinkSync('l1', path.join(project, 'l2'));
      fs.mkdirSync(path.join(project, 'hollow/one/two'), { recursive: true });
    });
    for (const name of ['d', 'to-single', 'out', 'hollow', 'deep', 'l1'])
      twin.run(['add', name], { anyStdout: name === 'l1' });
    twin.run(['status']);
    for (const name of ['hollow', 'deep']) twin.remove(name);
    // A plain checkout of DVC calls a folder with a linked folder in it changed each time, and leaves it as it is.
    twin.run(['checkout', 'hollow', 'deep']);
    twin.judge();
  });

  it('a file becomes a folder and a file again; outputs that overlap', () => {
    const twin = open();
    twin.write('a', 'a');
    twin.run(['add', 'a']);
    twin.remove('a');
    twin.write('a/b', 'b');
    twin.run(['status']);
    twin.run(['add', 'a']);
    twin.run(['status']);
    twin.remove('a');
    twin.write('a', 'c');
    twin.run(['add', 'a']);
    twin.write('d/e/f', '1');
    twin.run(['add', 'd/e']);
    twin.run(['add', 'd/e/f']);
    twin.judge();
  });

  it('without Git, in a folder of a repository, and with the cache elsewhere or shared by a group', () => {
    const alone = openTwin({ dvc, init: false });
    alone.run(['init', '--no-scm', '-q']);
    alone.write('a', 'a');
    for (const words of ['add a', 'status', 'diff', 'data status', 'gc -w -f', 'push']) {
      alone.run(words.split(' '), { anyStdout: words === 'push' });
    }
    const below = openTwin({ dvc, init: false });
    below.git('init', '-q', '-b', 'main');
    below.write('sub/project/x', 'x');
    below.run(['init', '--subdir', '-q'], { in: 'sub/project' });
    for (const words of ['add x', 'root', 'status']) below.run(words.split(' '), { in: 'sub/project' });
    below.run(['status'], { in: 'sub' });

    const shared = open();
    shared.run(['config', 'cache.shared', 'group']);
    shared.run(['cache', 'dir', '../the-cache']);
    shared.write('a', 'a');
    shared.write('d/b', 'b');
    shared.run(['add', 'a', 'd']);
    shared.remove('a');
    shared.run(['checkout']);
    const modes = shared.sides.map(({ base }) =>
      (fs.readdirSync(path.join(base, 'the-cache'), { recursive: true }) as string[])
        .filter((name) => fs.statSync(path.join(base, 'the-cache', name)).isDirectory())
        .sort()
        .map((name) => `${name} ${(fs.statSync(path.join(base, 'the-cache', name)).mode & 0o7777).toString(8)}`),
    );
    expect(modes[1]).toEqual(modes[0]);
  });
});
