import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { freshProject, mlops, startMlops } from './cli.ts';
import { digestsOf, expectSound, fill, leftovers } from './support/sound.ts';

vi.setConfig({ testTimeout: 180_000 });

/** What DVC's commands end with when Ctrl-C ends them. */
const interrupted = 252;
const stack = /\n\s+at .*\.(js|ts|mjs):\d+/;

/** A server that takes every request and never answers; `asked` comes with the first. */
async function silentServer(): Promise<{ url: string; asked: Promise<void> }> {
  let hear: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (hear = resolve));
  const server = http.createServer(() => hear());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function run(folder: string, ...args: string[]): void {
  const result = mlops(folder, args);
  expect(result.status, `${args.join(' ')}\n${result.stdout}${result.stderr}`).toBe(0);
}

/** Interrupts a command once a condition holds; it must end by itself, say so shortly, and leave nothing half. */
async function interrupt(
  folder: string,
  args: readonly string[],
  condition: Promise<unknown>,
  env: Record<string, string> = {},
): Promise<number | null> {
  const running = startMlops(folder, args, env);
  await Promise.race([condition, running.ended]);
  const start = Date.now();
  running.child.kill('SIGINT');
  const end = await running.ended;
  expect(end.signal, args.join(' ')).toBeNull();
  expect(running.output.stderr, args.join(' ')).not.toMatch(stack);
  expect(Date.now() - start, `${args.join(' ')} took its time to end`).toBeLessThan(30_000);
  expect(leftovers(folder)).toEqual([]);
  return end.status;
}

async function exists(file: string): Promise<void> {
  while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('Ctrl-C while a server does not answer', () => {
  it.each([['pull'], ['fetch']])('%s', async (verb) => {
    const folder = freshProject();
    const wanted = fill(path.join(folder, 'data'), 20);
    run(folder, 'add', 'data');
    const { url, asked } = await silentServer();
    run(folder, 'remote', 'add', '-d', 'web', url);
    const cache = path.join(folder, '.dvc/cache');
    fs.renameSync(cache, path.join(folder, '../cache'));
    fs.rmSync(path.join(folder, 'data'), { recursive: true });
    expect(await interrupt(folder, [verb], asked)).toBe(interrupted);
    expect(fs.existsSync(path.join(folder, 'data'))).toBe(false);
    fs.rmSync(cache, { recursive: true, force: true });
    fs.renameSync(path.join(folder, '../cache'), cache);
    run(folder, 'checkout');
    expect(digestsOf(path.join(folder, 'data'))).toEqual(wanted);
  });

  it.each([['push'], ['status -c'], ['gc -w -c -f'], ['fetch']])('%s, on S3', async (words) => {
    const args = words.split(' ');
    const folder = freshProject();
    fill(path.join(folder, 'data'), 20);
    run(folder, 'add', 'data');
    if (args[0] === 'fetch') fs.rmSync(path.join(folder, '.dvc/cache'), { recursive: true });
    const { url, asked } = await silentServer();
    run(folder, 'remote', 'add', '-d', 's3', 's3://bucket/place');
    for (const option of [`endpointurl=${url}`, 'access_key_id=key', 'secret_access_key=secret']) {
      const [name = '', value = ''] = option.split('=');
      run(folder, 'remote', 'modify', 's3', name, value);
    }
    expect(await interrupt(folder, args, asked)).toBe(interrupted);
    const local = path.join(folder, '../local');
    run(folder, 'remote', 'add', '-f', '-d', 'near', local);
    if (args[0] !== 'fetch') run(folder, 'push');
    expectSound(local);
  });

  it.each([['get-url'], ['import-url']])('%s', async (verb) => {
    const folder = freshProject();
    const { url, asked } = await silentServer();
    expect(await interrupt(folder, [verb, `${url}/big.csv`], asked)).toBe(interrupted);
    expect(fs.readdirSync(folder).filter((name) => name.startsWith('big'))).toEqual([]);
    expect(fs.existsSync(path.join(folder, '.gitignore'))).toBe(false);
  });

  it.each([['runs list'], ['models list'], ['experiments list'], ['serve models:/a/1 -p 0']])(
    '%s, of a remote registry',
    async (words) => {
      const { url, asked } = await silentServer();
      const status = await interrupt(freshProject(), words.split(' '), asked, { MLFLOW_TRACKING_URI: url });
      // A server that is told to end has done what it should.
      expect(words.startsWith('serve') ? [0, 130, interrupted] : [130]).toContain(status);
    },
  );

  it('repro and run, recorded there, end within the grace for writing down the end', async () => {
    const folder = freshProject();
    fs.writeFileSync(path.join(folder, 'dvc.yaml'), 'stages:\n  one:\n    cmd: echo made > out\n    outs: [out]\n');
    for (const words of ['repro', 'run -- sleep 100']) {
      const { url, asked } = await silentServer();
      const status = await interrupt(folder, words.split(' '), asked, { MLFLOW_TRACKING_URI: url });
      expect(status, words).not.toBe(0);
    }
    run(folder, 'repro');
    expect(fs.readFileSync(path.join(folder, 'out'), 'utf8')).toBe('made\n');
  });
});

describe('Ctrl-C in the middle of local work', () => {
  /** A machine may be done before the signal comes: then the work must be whole. */
  const done = [0, interrupted];

  it('checkout leaves what it has placed, and the next one places the rest', async () => {
    const folder = freshProject();
    const data = path.join(folder, 'data');
    const wanted = fill(data, 3000);
    run(folder, 'add', 'data');
    fs.rmSync(data, { recursive: true });
    expect(done).toContain(await interrupt(folder, ['checkout'], exists(data)));
    run(folder, 'checkout');
    expect(digestsOf(data)).toEqual(wanted);
  });

  it('commit, gc and fsck leave a cache in which every object is whole', async () => {
    const folder = freshProject();
    const data = path.join(folder, 'data');
    fill(data, 3000);
    run(folder, 'add', 'data');
    for (let i = 0; i < 3000; i++) fs.appendFileSync(path.join(data, `d${i % 7}/f${i}`), 'more');
    const cache = path.join(folder, '.dvc/cache/files/md5');
    const before = fs.readdirSync(cache, { recursive: true }).length;
    const grown = async (): Promise<void> => {
      while (fs.readdirSync(cache, { recursive: true }).length === before) await new Promise((go) => setTimeout(go, 5));
    };
    expect(done).toContain(await interrupt(folder, ['commit', '-f'], grown()));
    expectSound(cache);
    run(folder, 'commit', '-f');
    const soon = (): Promise<void> => new Promise((go) => setTimeout(go, 150));
    for (const words of ['fsck', 'gc -w -f']) {
      const running = startMlops(folder, words.split(' '));
      await Promise.race([soon(), running.ended]);
      running.child.kill('SIGINT');
      const end = await running.ended;
      // So early that the program has not begun, the signal itself ends it.
      expect([...done, 130, null]).toContain(end.status);
      expect(running.output.stderr).not.toMatch(stack);
    }
    expectSound(cache);
    const wanted = digestsOf(data);
    fs.rmSync(data, { recursive: true });
    run(folder, 'checkout');
    expect(digestsOf(data)).toEqual(wanted);
  });

  it('exp run leaves the branch, the workspace and the outputs as they were', async () => {
    const folder = freshProject();
    const stage = (cmd: string): string =>
      `stages:\n  train:\n    cmd: ${cmd}\n    params: [lr]\n    outs: [model.txt]\n`;
    fs.writeFileSync(path.join(folder, 'params.yaml'), 'lr: 1\n');
    fs.writeFileSync(path.join(folder, 'dvc.yaml'), stage('echo whole > model.txt'));
    run(folder, 'repro');
    fs.writeFileSync(
      path.join(folder, 'dvc.yaml'),
      stage('echo half > model.txt; touch ../reached; sleep 100 & wait; exit 1'),
    );
    const git = (...args: string[]): string => spawnSync('git', args, { cwd: folder, encoding: 'utf8' }).stdout;
    git('add', '-A');
    git('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '-qm', 'all');
    const head = git('rev-parse', 'HEAD');
    const args = ['exp', 'run', '-n', 'one', '-S', 'lr=2'];
    expect(await interrupt(folder, args, exists(path.join(folder, '../reached')))).toBe(interrupted);
    expect(git('rev-parse', 'HEAD')).toBe(head);
    expect(git('branch', '--show-current')).toBe('main\n');
    expect(git('for-each-ref', 'refs/exps')).not.toContain('one');
    expect(fs.readFileSync(path.join(folder, 'model.txt'), 'utf8')).toBe('whole\n');
    expect(mlops(folder, ['exp', 'list']).status).toBe(0);
  });

  it('demo ends, and its folder goes with it or is named', async () => {
    const folder = freshProject();
    const running = startMlops(folder, ['demo']);
    while (!/repro/.test(running.output.stdout) && running.child.exitCode === null) {
      await new Promise((go) => setTimeout(go, 25));
    }
    running.child.kill('SIGINT');
    const end = await running.ended;
    expect(end.signal).toBeNull();
    expect(running.output.stderr).not.toMatch(stack);
    expect(end.status).not.toBe(0);
  });
});
