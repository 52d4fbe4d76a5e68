// Repro as processes of their own: killed, two at once, and commands that end in unusual ways.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { groupIsAlive } from '../src/execute/process-group.ts';
import { freshProject, mlops, startMlops } from './cli.ts';
import { until } from './support/until.ts';

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
}

const at = (folder: string, name: string): string => path.join(folder, name);
const read = (folder: string, name: string): string => fs.readFileSync(at(folder, name), 'utf8');
const isThere = (folder: string, name: string): boolean => fs.existsSync(at(folder, name));

function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a repro that is killed', { timeout: 60_000 }, () => {
  const fast = (data: string): string => `
stages:
  first: {cmd: echo x >> first.log; cp raw first, deps: [raw], outs: [first]}
  second: {cmd: '${data}', deps: [first], outs: [data]}
`;
  const slow = 'echo half > data; echo $$ > pid.part; mv pid.part pid; sleep 600; echo late > data';

  /** The command runs a moment before it stands in the notes of its repro. */
  function isNoted(folder: string, stage: string): boolean {
    const notes = at(folder, '.mlops/running');
    return fs.readdirSync(notes).some((name) => fs.readFileSync(path.join(notes, name), 'utf8').includes(stage));
  }

  /** Killed while the second stage runs, which has written half of its output. */
  async function killed(): Promise<{ folder: string; pid: number }> {
    const folder = freshProject();
    write(folder, { raw: '1', 'dvc.yaml': fast('cp first data') });
    expect(mlops(folder, ['repro']).status).toBe(0);
    write(folder, { raw: '2', 'dvc.yaml': fast(slow) });
    const repro = startMlops(folder, ['repro']);
    await until(() => isThere(folder, 'pid') && isNoted(folder, 'second'), 'the second stage', 60_000);
    repro.child.kill('SIGKILL');
    await repro.ended;
    return { folder, pid: Number(read(folder, 'pid')) };
  }

  it('is gone on with: its command is ended, the old outputs are back, finished stages are kept', async () => {
    const { folder, pid } = await killed();
    expect(runs(pid)).toBe(true);
    write(folder, { 'dvc.yaml': fast('cat first > data; test ! -e fail') });
    write(folder, { fail: '' });
    const failed = mlops(folder, ['repro']);
    expect(failed.stderr).toContain(
      `stage 'second' of a repro that was killed was still running (process group ${pid})`,
    );
    expect(failed.status).toBe(255);
    expect(failed.stdout).toContain("Stage 'first' didn't change, skipping");
    expect(read(folder, 'data')).toBe('1');
    await until(() => !runs(pid), 'the end of the command', 60_000);
    fs.rmSync(at(folder, 'fail'));
    const again = mlops(folder, ['repro']);
    expect(again.status).toBe(0);
    expect(again.stderr).not.toContain('killed');
    expect(read(folder, 'data')).toBe('2');
    expect(read(folder, 'first.log')).toBe('x\nx\n');
    expect(fs.readdirSync(at(folder, '.mlops/running'))).toEqual([]);
  });

  it('has its outputs brought back by any next command, once its command has ended', async () => {
    const { folder, pid } = await killed();
    process.kill(-pid, 'SIGKILL');
    await until(() => !groupIsAlive(pid), 'the end of the command', 60_000);
    mlops(folder, ['status']);
    expect(read(folder, 'data')).toBe('1');
  });

  it('does not take outputs back from a command that still writes them, unless it is a repro that asks', async () => {
    const { folder, pid } = await killed();
    mlops(folder, ['status']);
    expect(read(folder, 'data')).toBe('half\n');
    process.kill(-pid, 'SIGKILL');
  });
});

describe('two at once', { timeout: 60_000 }, () => {
  it('run stages that have nothing in common at the same time', async () => {
    const folder = freshProject();
    const meet = (own: string, other: string): string =>
      `touch ${own}.here; while [ ! -e ${other}.here ]; do sleep 0.05; done; echo ${own} > ${own}`;
    write(folder, {
      'dvc.yaml': `stages:\n  a: {cmd: '${meet('a', 'b')}', outs: [a]}\n  b: {cmd: '${meet('b', 'a')}', outs: [b]}\n`,
    });
    // Each command waits for the other one: this ends only when both run.
    const first = startMlops(folder, ['repro', 'a']);
    await until(() => isThere(folder, 'a.here'), 'the first repro', 60_000);
    const second = startMlops(folder, ['--wait-for-lock', 'repro', 'b']);
    expect([(await first.ended).status, (await second.ended).status]).toEqual([0, 0]);
    const status = mlops(folder, ['status']);
    expect(status.stdout).toContain('Data and pipelines are up to date.');
    expect(read(folder, 'dvc.lock').match(/^ {2}\w+:$/gm)).toHaveLength(2);
  });

  it('run a stage once: the second waits, says for whom, and has nothing left to do', async () => {
    const folder = freshProject();
    const cmd = 'echo x >> log; touch here; while [ ! -e go ]; do sleep 0.05; done; echo 1 > o';
    write(folder, { 'dvc.yaml': `stages:\n  s: {cmd: '${cmd}', outs: [o]}\n` });
    const first = startMlops(folder, ['repro']);
    await until(() => isThere(folder, 'here'), 'the first repro', 60_000);
    const second = startMlops(folder, ['--wait-for-lock', 'repro']);
    await until(
      () => second.output.stderr.includes(`stage 's' waits for process ${first.child.pid}`),
      'the wait',
      60_000,
    );
    write(folder, { go: '' });
    expect([(await first.ended).status, (await second.ended).status]).toEqual([0, 0]);
    expect(second.output.stdout).toContain("Stage 's' didn't change, skipping");
    expect(read(folder, 'log')).toBe('x\n');
  });
});

describe('a command', { timeout: 60_000 }, () => {
  const only = (cmd: string): string => `stages:\n  s: {cmd: '${cmd}', outs: [o]}\n`;

  it('that leaves a process which holds its output open is not waited for', async () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': only('echo 1 > o; sleep 600 & echo $! > pid') });
    const result = mlops(folder, ['repro']);
    const pid = Number(read(folder, 'pid'));
    expect(result.status).toBe(0);
    expect(result.stderr).toContain("stage 's' left a process running in the background");
    expect(runs(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('that a signal ends is reported with it, as DVC does', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': only('kill -9 $$') });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain("failed to reproduce 's': failed to run: kill -9 $$, exited with -9");
  });

  it('that deletes what it reads fails after it ran, and the old output comes back', () => {
    const folder = freshProject();
    const stage = (cmd: string): string => `stages:\n  s: {cmd: '${cmd}', deps: [x], outs: [o]}\n`;
    write(folder, { x: '1', 'dvc.yaml': stage('cp x o') });
    expect(mlops(folder, ['repro']).status).toBe(0);
    write(folder, { 'dvc.yaml': stage('echo new > o; rm x') });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain("failed to reproduce 's': dependency 'x' does not exist");
    expect(read(folder, 'o')).toBe('1');
  });
});
