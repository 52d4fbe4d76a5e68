import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { freshProject, mlops } from './cli.ts';
import { namespacesWork, openNamespace } from './support/namespace.ts';
import { digestsOf, expectSound, fill } from './support/sound.ts';

vi.setConfig({ testTimeout: 300_000 });

/** A project with tracked data and a remote, and a namespace in which to take rights away. */
async function place() {
  const project = freshProject();
  const data = path.join(project, 'data');
  const wanted = fill(data, 30, 2);
  const remote = path.join(path.dirname(project), 'remote');
  for (const args of [['remote', 'add', '-d', 'loc', remote], ['add', 'data'], ['push']]) {
    expect(mlops(project, args).status).toBe(0);
  }
  const space = await openNamespace();
  return {
    project,
    data,
    wanted,
    space,
    succeeds: (...args: string[]): void => {
      const { status, stderr } = space.mlops(project, args);
      expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
    },
    /** With a word on what may not be written, no stack. */
    fails: (...args: string[]): void => {
      const { status, stderr } = space.mlops(project, args);
      expect([1, 255], stderr).toContain(status);
      expect(stderr).toMatch(/EROFS|EACCES|permission|read-only/i);
      expect(stderr).not.toContain('    at ');
    },
  };
}

// Root may write everywhere, so rights are taken away by mounting; where the kernel forbids that, nothing can be shown.
describe.runIf(namespacesWork())('what cannot be written', () => {
  it('the cache: looking and checking out go on, adding and fetching fail and lose nothing', async () => {
    const { project, data, wanted, space, succeeds, fails } = await place();
    const cache = path.join(project, '.dvc/cache');
    space.makeReadOnly(cache);
    for (const args of [['status'], ['data', 'status'], ['diff'], ['push'], ['fsck']]) succeeds(...args);
    fs.rmSync(path.join(data, 'd1'), { recursive: true });
    succeeds('checkout');
    expect(digestsOf(data)).toEqual(wanted);
    fs.writeFileSync(path.join(data, 'new'), 'new');
    fails('add', 'data');
    expect(digestsOf(data).size).toBe(wanted.size + 1);
    space.makeWritable(cache);
    succeeds('add', 'data');
    succeeds('fsck');
  });

  it('the workspace: what is there can be looked at, not replaced', async () => {
    const { project, data, wanted, space, succeeds, fails } = await place();
    const metafile = fs.readFileSync(`${data}.dvc`);
    fs.writeFileSync(path.join(data, 'd1/f1'), 'another');
    succeeds('add', 'data');
    fs.writeFileSync(`${data}.dvc`, metafile);
    const before = digestsOf(data);
    space.makeReadOnly(data);
    succeeds('status');
    fails('checkout');
    expect(digestsOf(data)).toEqual(before);
    space.makeWritable(data);
    succeeds('checkout');
    expect(digestsOf(data)).toEqual(wanted);
    expect(space.mlops(project, ['status', '--json']).stdout.trim()).toBe('{}');
  });

  it('the whole project: everything that only looks works, everything else fails before it begins', async () => {
    const { project, data, wanted, space, succeeds, fails } = await place();
    space.makeReadOnly(project);
    for (const words of [
      'status',
      'data status --granular',
      'diff',
      'list . -R',
      'dag',
      'fsck',
      'status -c',
      'stage list --all',
    ]) {
      succeeds(...words.split(' '));
    }
    fs.mkdirSync(path.join(path.dirname(project), 'elsewhere'));
    expect(space.mlops(path.join(path.dirname(project), 'elsewhere'), ['get', project, 'data']).status).toBe(0);
    for (const words of ['add data', 'commit -f', 'remove data.dvc', 'move data other', 'config core.autostage true']) {
      fails(...words.split(' '));
    }
    expect(digestsOf(data)).toEqual(wanted);
  });

  it('.dvc/tmp alone: nothing that writes runs without the lock', async () => {
    const { project, data, space, succeeds, fails } = await place();
    space.makeReadOnly(path.join(project, '.dvc/tmp'));
    fs.writeFileSync(path.join(data, 'new'), 'new');
    fails('add', 'data');
    fails('gc', '-w', '-f');
    space.makeWritable(path.join(project, '.dvc/tmp'));
    succeeds('add', 'data');
  });

  it('the remote: push says so, nothing half is there', async () => {
    const { project, data, space, succeeds, fails } = await place();
    const remote = path.join(path.dirname(project), 'remote');
    fs.writeFileSync(path.join(data, 'new'), 'new');
    succeeds('add', 'data');
    space.makeReadOnly(remote);
    fails('push');
    succeeds('status', '-c');
    space.makeWritable(remote);
    succeeds('push');
    expectSound(path.join(remote, 'files/md5'));
    succeeds('fsck', '--remote');
  });
});
