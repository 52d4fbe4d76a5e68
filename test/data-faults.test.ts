import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { command, freshProject, mlops, startMlops } from './cli.ts';

/** Runs a command again and again, killed at another moment each time, until it gets through. */
async function killedAgainAndAgain(project: string, args: readonly string[], check: () => void): Promise<void> {
  for (let delay = 60; delay < 60_000; delay = Math.round(delay * 1.5)) {
    const { child, ended } = startMlops(project, args);
    const timer = setTimeout(() => child.kill('SIGKILL'), delay);
    const { status } = await ended;
    clearTimeout(timer);
    check();
    if (status === 0) return;
  }
  throw new Error(`${args.join(' ')} never got through`);
}

function fill(folder: string, count: number): Map<string, string> {
  const digests = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const file = path.join(folder, `d${i % 7}`, `f${i}`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const content = Buffer.alloc(500 + ((i * 7919) % 9000), `content ${i} `);
    fs.writeFileSync(file, content);
    digests.set(path.relative(folder, file), createHash('md5').update(content).digest('hex'));
  }
  fs.writeFileSync(path.join(folder, 'large'), Buffer.alloc(24 << 20, 'large'));
  digests.set(
    'large',
    createHash('md5')
      .update(fs.readFileSync(path.join(folder, 'large')))
      .digest('hex'),
  );
  return digests;
}

function digestsOf(folder: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (const name of fs.readdirSync(folder, { recursive: true }) as string[]) {
    const file = path.join(folder, name);
    if (fs.statSync(file).isFile()) digests.set(name, createHash('md5').update(fs.readFileSync(file)).digest('hex'));
  }
  return digests;
}

/** Every object below a cache or remote must have the content that its name promises. */
function expectSound(folder: string): void {
  if (!fs.existsSync(folder)) return;
  for (const name of fs.readdirSync(folder, { recursive: true }) as string[]) {
    const match = /^([0-9a-f]{2})\/([0-9a-f]{30})(\.dir)?$/.exec(name);
    if (match === null) continue;
    const digest = createHash('md5')
      .update(fs.readFileSync(path.join(folder, name)))
      .digest('hex');
    expect(digest, name).toBe(`${match[1]}${match[2]}`);
  }
}

function withRemote(): { project: string; data: string; remote: string } {
  const project = freshProject();
  const remote = path.join(path.dirname(project), 'remote');
  expect(mlops(project, ['remote', 'add', '-d', 'loc', remote]).status).toBe(0);
  return { project, data: path.join(project, 'data'), remote };
}

describe('kill -9 at any moment', () => {
  it('of add, push, pull and checkout leaves nothing wrong, and the next run gets through', async () => {
    const { project, data, remote } = withRemote();
    const wanted = fill(data, 1500);
    const cache = path.join(project, '.dvc/cache/files/md5');
    await killedAgainAndAgain(project, ['add', 'data'], () => {
      expectSound(cache);
      expect(digestsOf(data)).toEqual(wanted);
    });
    await killedAgainAndAgain(project, ['push'], () => expectSound(path.join(remote, 'files/md5')));
    fs.rmSync(cache, { recursive: true });
    fs.rmSync(data, { recursive: true });
    await killedAgainAndAgain(project, ['pull'], () => expectSound(cache));
    expect(digestsOf(data)).toEqual(wanted);
    fs.rmSync(path.join(data, 'd3'), { recursive: true });
    await killedAgainAndAgain(project, ['checkout'], () => undefined);
    expect(digestsOf(data)).toEqual(wanted);
    expect(mlops(project, ['fsck', '--remote']).status).toBe(0);
  }, 300_000);
});

describe('two commands at once', () => {
  it('wait for each other, and both do their work', async () => {
    const { project } = withRemote();
    fill(path.join(project, 'one'), 300);
    fill(path.join(project, 'two'), 300);
    const both = [startMlops(project, ['add', 'one']), startMlops(project, ['--wait-for-lock', 'add', 'two'])];
    expect((await Promise.all(both.map(({ ended }) => ended))).map(({ status }) => status)).toEqual([0, 0]);
    expect(mlops(project, ['status', '--json']).stdout.trim()).toBe('{}');
    expect(mlops(project, ['fsck']).status).toBe(0);
  });

  it('end with DVC’s status when the lock is not given back', () => {
    const { project } = withRemote();
    const lock = path.join(project, '.dvc/tmp/lock');
    fs.mkdirSync(path.dirname(lock), { recursive: true });
    const result = command(project, 'flock', [lock, process.execPath, path.resolve('bin/mlops.js'), 'checkout']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain('Unable to acquire lock');
  });
});

describe('damage', () => {
  it('in the cache is not pushed, is found by fsck, and healed from the remote', () => {
    const { project, data } = withRemote();
    fill(data, 20);
    mlops(project, ['add', 'data']);
    mlops(project, ['push']);
    const object = path.join(project, '.dvc/cache/files/md5', objectOf(path.join(data, 'd1/f1')));
    fs.chmodSync(object, 0o644);
    fs.writeFileSync(object, Buffer.alloc(fs.statSync(object).size, 'x'));
    fs.chmodSync(object, 0o444);
    fs.rmSync(data, { recursive: true });
    expect(mlops(project, ['checkout']).status).toBe(255);
    expect(fs.existsSync(data)).toBe(false);
    expect(mlops(project, ['fsck']).status).toBe(1);
    expect(mlops(project, ['fsck', '--repair']).status).toBe(0);
    expect(mlops(project, ['checkout']).status).toBe(0);
  });

  it('of a remote is healed by push', () => {
    const { project, data, remote } = withRemote();
    fill(data, 20);
    mlops(project, ['add', 'data']);
    mlops(project, ['push']);
    fs.rmSync(path.join(remote, 'files/md5', objectOf(path.join(data, 'd2/f2'))));
    expect(mlops(project, ['push']).stdout).toBe('1 file pushed\n');
  });
});

function objectOf(file: string): string {
  const digest = createHash('md5').update(fs.readFileSync(file)).digest('hex');
  return `${digest.slice(0, 2)}/${digest.slice(2)}`;
}
