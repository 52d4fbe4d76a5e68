import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { command, mlops, mlopsBin, temporaryFolder } from './cli.ts';
import { namespacesWork, openNamespace, type Namespace } from './support/namespace.ts';
import { digestsOf, expectSound, fill, leftovers } from './support/sound.ts';

vi.setConfig({ testTimeout: 300_000 });

interface Place {
  readonly space: Namespace;
  /** Folders as they are seen inside: the project, and beside it one for a cache or remote. */
  readonly project: string;
  readonly store: string;
}

/** A project where nothing is full yet. */
async function place(): Promise<Place> {
  const folder = temporaryFolder();
  const [project, store] = [path.join(folder, 'project'), path.join(folder, 'store')];
  for (const each of [project, store]) fs.mkdirSync(each);
  return { space: await openNamespace(), project, store };
}

function succeed({ space, project }: Place, ...args: string[]): void {
  const result = space.mlops(project, args);
  expect(result.status, `${args.join(' ')}: ${result.stderr}`).toBe(0);
}

/** The command must say that the disk is full, with the status of its failures. */
function failsForSpace({ space, project }: Place, ...args: string[]): void {
  const { status, stderr } = space.mlops(project, args);
  expect(status, stderr).toBeGreaterThan(0);
  expect(stderr).toMatch(/ENOSPC|no space left/i);
  expect(stderr).not.toContain('    at ');
}

// In CI too this is up to the kernel: some containers forbid namespaces.
describe.runIf(namespacesWork())('a disk that is full', () => {
  it('add: keeps the data, leaves no half object, and gets through when there is space', async () => {
    const own = await place();
    const { space, project, store } = own;
    space.mountSmall(store, 6);
    succeed(own, 'init', '--no-scm', '-q');
    succeed(own, 'config', 'cache.dir', store);
    const data = path.join(project, 'data');
    const wanted = fill(data, 60, 9);
    failsForSpace(own, 'add', 'data');
    const cache = space.outside(store);
    expectSound(cache);
    expect(leftovers(cache)).toEqual([]);
    expect(digestsOf(data)).toEqual(wanted);
    expect(fs.existsSync(path.join(project, 'data.dvc'))).toBe(false);
    space.resize(store, 40);
    succeed(own, 'add', 'data');
    expect(digestsOf(data)).toEqual(wanted);
    succeed(own, 'fsck');
    succeed(own, 'status');
  });

  it('add: many small files, where also the project itself has no space left', async () => {
    const own = await place();
    const { space, project } = own;
    space.mountSmall(project, 6);
    succeed(own, 'init', '--no-scm', '-q');
    const data = path.join(space.outside(project), 'data');
    const wanted = fill(data, 800);
    failsForSpace(own, 'add', 'data');
    expect(digestsOf(data)).toEqual(wanted);
    expectSound(path.join(space.outside(project), '.dvc/cache'));
    space.resize(project, 60);
    succeed(own, 'add', 'data');
    succeed(own, 'fsck');
    expect(digestsOf(data)).toEqual(wanted);
  });

  it('checkout: nothing of the workspace is lost or torn', async () => {
    const own = await place();
    const { space, project, store } = own;
    space.mountSmall(project, 30);
    succeed(own, 'init', '--no-scm', '-q');
    succeed(own, 'config', 'cache.dir', store);
    const data = path.join(space.outside(project), 'data');
    const wanted = fill(data, 30, 9);
    succeed(own, 'add', 'data');
    const metafile = fs.readFileSync(`${data}.dvc`);
    fs.rmSync(data, { recursive: true });
    const before = fill(data, 5);
    succeed(own, 'add', 'data');
    fs.writeFileSync(`${data}.dvc`, metafile);
    space.resize(project, 4);
    failsForSpace(own, 'checkout');
    const between = digestsOf(data);
    for (const [name, digest] of between) expect([before.get(name), wanted.get(name)], name).toContain(digest);
    for (const name of before.keys()) expect([...between.keys()]).toContain(name);
    expect(leftovers(space.outside(project))).toEqual([]);
    space.resize(project, 40);
    succeed(own, 'checkout');
    expect(digestsOf(data)).toEqual(wanted);
    succeed(own, 'fsck');
  });

  it('push and pull: what arrived is whole, and the next run brings the rest', async () => {
    const own = await place();
    const { space, project, store } = own;
    space.mountSmall(store, 6);
    succeed(own, 'init', '--no-scm', '-q');
    succeed(own, 'remote', 'add', '-d', 'loc', store);
    const data = path.join(project, 'data');
    const wanted = fill(data, 60, 9);
    succeed(own, 'add', 'data');
    failsForSpace(own, 'push');
    expectSound(space.outside(store));
    expect(leftovers(space.outside(store))).toEqual([]);
    space.resize(store, 40);
    succeed(own, 'push');
    succeed(own, 'fsck', '--remote');

    fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
    fs.mkdirSync(path.join(project, '.dvc/cache'));
    fs.rmSync(data, { recursive: true });
    const cache = path.join(project, '.dvc/cache');
    space.mountSmall(cache, 6);
    failsForSpace(own, 'pull');
    expectSound(space.outside(cache));
    expect(leftovers(space.outside(cache))).toEqual([]);
    expect(fs.existsSync(data)).toBe(false);
    space.resize(cache, 40);
    succeed(own, 'pull');
    expect(digestsOf(data)).toEqual(wanted);
    succeed(own, 'fsck');
  });

  it('repro: outputs of a stage that ran stay, the stage counts as not done', async () => {
    const own = await place();
    const { space, project, store } = own;
    space.mountSmall(store, 3);
    succeed(own, 'init', '--no-scm', '-q');
    succeed(own, 'config', 'cache.dir', store);
    const cmd = 'head -c 6000000 /dev/zero > out';
    fs.writeFileSync(path.join(project, 'in'), 'in');
    fs.writeFileSync(
      path.join(project, 'dvc.yaml'),
      `stages:\n  make:\n    cmd: ${cmd}\n    deps: [in]\n    outs: [out]\n`,
    );
    failsForSpace(own, 'repro');
    expect(fs.statSync(path.join(project, 'out')).size).toBe(6_000_000);
    expect(fs.existsSync(path.join(project, 'dvc.lock'))).toBe(false);
    expectSound(space.outside(store));
    space.resize(store, 40);
    succeed(own, 'repro');
    expect(space.mlops(project, ['status', '--json']).stdout.trim()).toBe('{}');
    succeed(own, 'fsck');
  });
});

describe('a file that may not grow', () => {
  it('add: fails with its reason, and the data stays', () => {
    // The limit of a process instead of a full disk, where nothing may be mounted.
    const project = path.join(temporaryFolder(), 'project');
    fs.mkdirSync(project);
    expect(mlops(project, ['init', '--no-scm', '-q']).status).toBe(0);
    const large = path.join(project, 'large');
    fs.writeFileSync(large, Buffer.alloc(5 << 20, 'x'));
    const limited = `ulimit -f 2048; exec "$0" "$@"`;
    const result = command(project, 'bash', ['-c', limited, process.execPath, mlopsBin, 'add', 'large']);
    expect(result.status, result.stderr).toBe(1);
    expect(result.stderr).toContain('EFBIG');
    expect(fs.statSync(large).size).toBe(5 << 20);
    expectSound(path.join(project, '.dvc/cache'));
    expect(leftovers(path.join(project, '.dvc/cache'))).toEqual([]);
    expect(mlops(project, ['add', 'large']).status).toBe(0);
  });
});
