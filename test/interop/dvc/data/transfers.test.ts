import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { command, mlops } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'twins: parts, and what is nowhere', ({ dvc }) => {
  /** A folder, files below another one, and a file; two remotes, `loc` being the default. */
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    for (const { project, base } of twin.sides) {
      const section = (name: string): string => `['remote "${name}"']\n    url = ${base}/${name}\n`;
      const text = `[core]\n    remote = loc\n${section('loc')}${section('two')}`;
      fs.writeFileSync(path.join(project, '.dvc/config'), text);
    }
    const files = { 'd/x': '1', 'd/sub/y': '2', 'a/b/f': '3', 'a/g': '4', t: 'top' };
    for (const [file, content] of Object.entries(files)) twin.write(file, content);
    twin.dvc('add', '-q', 'd', 'a/b/f', 'a/g', 't');
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.git('tag', 'v1');
    return twin;
  };
  const dropCache = (twin: Twin): void => {
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true, force: true }));
  };

  it('fetch, pull and status -c of a part of a folder, of folders of outputs, from another remote', () => {
    const twin = open();
    twin.dvc('push', '-q');
    twin.dvc('push', '-q', '-r', 'two');
    dropCache(twin);
    for (const file of ['d', 'a/b/f', 'a/g', 't']) twin.remove(file);
    twin.run(['fetch', 'd/x']);
    twin.run(['fetch', 'd/sub']);
    twin.run(['fetch', '-R', 'a']);
    twin.run(['fetch', '-r', 'two', 't']);
    dropCache(twin);
    twin.run(['fetch', '--max-size', '1']);
    dropCache(twin);
    twin.run(['pull', 'd/x']);
    twin.run(['status', '-c', 'd/sub']);
    twin.run(['pull', 'd/sub', '-j', '1']);
    twin.run(['pull', '-R', 'a']);
    twin.run(['pull', '-r', 'two']);
    twin.write('t', 'changed');
    twin.write('d/x', 'changed too');
    twin.write('d/same', 'changed too');
    twin.run(['add', 't', 'd']);
    twin.run(['status', '-c', 'd/x']);
    twin.run(['status', '-c', 'd']);
    twin.run(['status', '-c', '-r', 'two', '--json']);
    twin.run(['push', '--glob', 'nothing*']);
    twin.run(['push', '--glob', '**/*.dvc']);
  });

  it('fetch, push and pull: what is in neither place is a warning, what a folder lost is a failure', () => {
    const twin = open();
    twin.dvc('push', '-q');
    twin.write('t', 'never pushed');
    twin.write('d/n', 'never pushed either');
    twin.run(['add', 't', 'd']);
    twin.git('commit', '-qam', 'two');
    dropCache(twin);
    twin.run(['fetch']);
    twin.run(['fetch', '-A']);
    twin.run(['push', '-T']);
    twin.run(['push', 't']);
    twin.run(['pull', '-T', 't'], { anyOrder: true });
    twin.remove('t');
    twin.run(['pull', 't']);
    twin.run(['pull', 't', '--allow-missing']);
    twin.git('checkout', '-q', 'v1');
    twin.run(['pull', 'd', '-f']);
    dropCache(twin);
    // A folder whose manifest is there and one of whose files is not.
    for (const { base } of twin.sides) fs.rmSync(path.join(base, 'loc/files/md5/c4'), { recursive: true });
    twin.run(['fetch', 'd'], { anyTree: true });
    twin.run(['fetch', 't'], { anyTree: true });
  });

  it('gc and destroy take answers through a pipe, and other words of DVC about remotes that are not there', () => {
    const twin = open();
    twin.write('t', 'second');
    twin.dvc('add', '-q', 't');
    twin.run(['gc', '-w']);
    twin.run(['gc', '-w', '-c', '-r', 'nope', '-f']);
    twin.run(['data', 'status', '--not-in-remote', '-r', 'nope']);
    twin.run(['destroy'], { anyStdout: true });
    const [theirs, ours] = ['gc -w', 'destroy'].map((words) => {
      const [a, b] = twin.sides.map(({ name, project, base }) => {
        const program =
          name === 'dvc' ? dvc : `${process.execPath} ${path.join(import.meta.dirname, '../../../../bin/mlops.js')}`;
        const result = command(project, 'bash', ['-c', `printf 'what\\nyes\\n' | ${program} ${words}`], {
          env: { DVC_SITE_CACHE_DIR: path.join(base, 'site'), HOME: path.join(base, 'home') },
        });
        return {
          status: result.status,
          asked: result.stdout.split('[y/n]').length,
          left: fs.existsSync(path.join(project, '.dvc')),
        };
      });
      expect(b).toEqual(a);
      return b;
    });
    expect(theirs).toMatchObject({ status: 0, left: true });
    expect(ours).toMatchObject({ status: 0, left: false });
  });

  it('an import whose source is gone does not keep the rest from being fetched', () => {
    const twin = open();
    const { project, base } = twin.sides[1];
    twin.dvc('push', '-q');
    const source = path.join(base, 'src');
    fs.mkdirSync(source);
    fs.writeFileSync(path.join(source, 'f'), 'imported');
    for (const words of ['init -q', 'add f', 'commit -qm f']) command(source, 'git', words.split(' '));
    expect(mlops(project, ['import', `file://${source}`, 'f']).status).toBe(0);
    fs.rmSync(source, { recursive: true });
    fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
    const fetched = mlops(project, ['fetch']);
    expect(fetched.status).toBe(0);
    expect(fetched.stderr).toContain("cannot fetch 'f'");
    expect(fs.readdirSync(path.join(project, '.dvc/cache/files/md5'))).toHaveLength(6);
  });
});
