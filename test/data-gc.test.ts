import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { freshProject, mlops, startMlops, temporaryFolder } from './cli.ts';
import { digestsOf, expectSound, fill, md5, objectOf } from './support/sound.ts';

vi.setConfig({ testTimeout: 300_000 });

function ok(project: string, ...args: string[]): void {
  const { status, stderr } = mlops(project, args);
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
}

/** Two projects that share a cache and a remote. */
function sharing(): { one: string; two: string; cache: string } {
  const folder = temporaryFolder();
  const [one, two] = ['one/project', 'two/project'].map((name) => path.join(folder, name)) as [string, string];
  const cache = path.join(folder, 'cache');
  for (const project of [one, two]) {
    fs.mkdirSync(project, { recursive: true });
    ok(project, 'init', '--no-scm', '-q');
    ok(project, 'config', 'cache.dir', cache);
    ok(project, 'remote', 'add', '-d', 'loc', path.join(folder, 'remote'));
  }
  return { one, two, cache };
}

it('gc of one project leaves what another one adds and pushes meanwhile, when it is told of it', async () => {
  const { one, two, cache } = sharing();
  fill(path.join(one, 'mine'), 40);
  ok(one, 'add', 'mine');
  const data = path.join(two, 'data');
  for (let round = 0; round < 5; round++) {
    fill(data, 150 + round);
    fs.writeFileSync(path.join(data, 'round'), `round ${round}`);
    // Content that is in the cache already, and in use by nobody until the add is done.
    fs.writeFileSync(path.join(one, 'mine/passing'), `passing ${round}`);
    ok(one, 'add', 'mine');
    fs.writeFileSync(path.join(data, 'passing'), `passing ${round}`);
    fs.rmSync(path.join(one, 'mine/passing'));
    ok(one, 'add', 'mine');
    const adding = startMlops(two, ['--wait-for-lock', 'add', 'data']);
    const collecting = startMlops(one, ['gc', '-w', '-f', '-p', two]);
    const added = await adding.ended;
    const pushing = startMlops(two, ['--wait-for-lock', 'push']);
    const collectingAgain = startMlops(one, ['--wait-for-lock', 'gc', '-w', '-f', '-p', two]);
    expect([added.status, (await pushing.ended).status], adding.output.stderr + pushing.output.stderr).toEqual([0, 0]);
    // Each may find the other one at work for longer than it waits.
    for (const each of [collecting, collectingAgain]) expect([0, 255]).toContain((await each.ended).status);
    expectSound(cache);
    for (const project of [one, two]) {
      expect(mlops(project, ['status', '--json']).stdout.trim(), `round ${round}`).toBe('{}');
      ok(project, 'fsck');
    }
    ok(two, 'fsck', '--remote');
  }
});

it('gc that is killed at any moment has only removed what nothing uses', async () => {
  const project = freshProject();
  const data = path.join(project, 'data');
  for (const round of ['old', 'older', 'new']) {
    fill(data, 400);
    for (let i = 0; i < 400; i++) fs.writeFileSync(path.join(data, `${i}`), `${round} ${i}`);
    ok(project, 'add', 'data');
  }
  const wanted = digestsOf(data);
  for (let delay = 80, status: number | null = null; status !== 0; delay = Math.round(delay * 1.3)) {
    const { child, ended } = startMlops(project, ['gc', '-w', '-f']);
    const timer = setTimeout(() => child.kill('SIGKILL'), delay);
    ({ status } = await ended);
    clearTimeout(timer);
    ok(project, 'fsck');
    expect(delay).toBeLessThan(60_000);
  }
  const cache = path.join(project, '.dvc/cache/files/md5');
  expect([...digestsOf(cache).values()].filter((digest) => ![...wanted.values()].includes(digest)).length).toBe(1);
  fs.rmSync(data, { recursive: true });
  ok(project, 'checkout');
  expect(digestsOf(data)).toEqual(wanted);
});

it('gc does not lose the files of a folder whose manifest the cache lost', () => {
  const project = freshProject();
  const remote = path.join(path.dirname(project), 'remote');
  ok(project, 'remote', 'add', '-d', 'loc', remote);
  const data = path.join(project, 'data');
  const wanted = fill(data, 10);
  ok(project, 'add', 'data');
  ok(project, 'push');
  const manifest = /md5: ([0-9a-f]{2})([0-9a-f]{30}\.dir)/.exec(fs.readFileSync(`${data}.dvc`, 'utf8'));
  const object = path.join(project, '.dvc/cache/files/md5', manifest?.[1] ?? '', manifest?.[2] ?? '');
  const [, firstName] = [...wanted.keys()];
  const first = path.join(project, '.dvc/cache/files/md5', objectOf(path.join(data, firstName ?? '')));
  // Lost, then garbled: it comes back from the remote both times.
  fs.rmSync(object);
  ok(project, 'gc', '-w', '-f');
  expect(fs.existsSync(first)).toBe(true);
  fs.chmodSync(object, 0o644);
  fs.writeFileSync(object, '[]');
  ok(project, 'gc', '-w', '-f');
  expect(fs.existsSync(first)).toBe(true);
  expect(`${md5(fs.readFileSync(object))}.dir`).toBe(`${manifest?.[1]}${manifest?.[2]}`);
  // Nowhere any more: nothing is removed without a word from the user.
  fs.rmSync(object);
  fs.rmSync(remote, { recursive: true });
  const refused = mlops(project, ['gc', '-w'], { input: 'y\n' });
  expect(refused.status).toBe(255);
  expect(refused.stderr).toContain('manifest');
  expect(fs.existsSync(first)).toBe(true);
});
