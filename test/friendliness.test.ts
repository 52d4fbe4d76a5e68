import * as fs from 'node:fs';
import * as path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { readGlobalFlags } from '../src/cli/parse/global-flags.ts';
import { createTerminal, type Streams } from '../src/cli/terminal/create-terminal.ts';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './cli.ts';

/** A terminal of a size, as `main` makes it for a command line. */
async function terminalOf(words: readonly string[], tty: { columns?: number; rows?: number } = {}, input = '') {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  stdin.write(input);
  const stdout = Object.assign(new PassThrough(), { isTTY: true, ...tty });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, ...tty });
  const streams: Streams = {
    stdin,
    stdout,
    stderr,
    cwd: '/',
    env: { TERM: 'xterm' },
    signal: new AbortController().signal,
    asDvc: false,
  };
  return { terminal: await createTerminal(readGlobalFlags(words), streams), stdout, stderr };
}

// The points are those of "CLI UX: 40 points"; a point that has a test of its own elsewhere is named there.

describe('point 30: --yes and --no-input, and nothing waits on a pipe', () => {
  it('are taken anywhere before a command of the user', () => {
    expect(readGlobalFlags(['models', 'delete', 'x', '--yes'])).toMatchObject({
      yes: true,
      words: ['models', 'delete', 'x'],
    });
    expect(readGlobalFlags(['gc', '-w', '--no-input'])).toMatchObject({ noInput: true, words: ['gc', '-w'] });
    expect(readGlobalFlags(['run', '--', 'apt', '--yes'])).toMatchObject({ yes: false });
    expect(readGlobalFlags(['run', 'apt', '--yes'])).toMatchObject({ yes: false });
  });

  it('keep a question from being asked on a terminal', async () => {
    const { terminal } = await terminalOf(['--no-input', 'x'], {}, 'y\n');
    expect(await terminal.confirm('sure?')).toBe(false);
    await expect(terminal.confirm('sure?', { must: true })).rejects.toMatchObject({ code: 'confirmation_needed' });
    expect(await terminal.confirmAnywhere('sure?')).toBe(false);
    const { terminal: agreeing } = await terminalOf(['x', '--yes']);
    expect(await agreeing.confirm('sure?')).toBe(true);
    expect(await agreeing.confirmAnywhere('sure?')).toBe(true);
    const { terminal: asking } = await terminalOf(['x'], {}, 'y\n');
    expect(await asking.confirm('sure?')).toBe(true);
  });
});

describe('point 39: tables fit the terminal', () => {
  it('and one that reports a width of zero counts as 80 columns', async () => {
    expect((await terminalOf([], { columns: 0, rows: 0 })).terminal).toMatchObject({ columns: 80 });
    expect((await terminalOf([], { columns: 0, rows: 0 })).terminal.errorSize()).toEqual({ columns: 80, rows: 24 });
    expect((await terminalOf([], { columns: 120, rows: 50 })).terminal).toMatchObject({ columns: 120 });
  });
});

describe('point 35: doctor', () => {
  it('is a command of its own in the help, and says what it looked at', async () => {
    expect((await commandLine('/', ['--help'])).stdout).toMatch(/^ {2}doctor +Look for what is wrong/m);
    const folder = temporaryFolder();
    const said = await commandLine(folder, ['doctor']);
    expect(said.status).toBe(0);
    expect(said.stderr).toMatch(/^ok {2}Node\.js +v/m);
    const { checks } = JSON.parse((await commandLine(folder, ['doctor', '--json'])).stdout) as {
      checks: { name: string }[];
    };
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Node.js', 'Git', 'SQLite', 'Python', 'port 5000', 'port 5001', 'tracking']),
    );
    const dvc = await commandLine(folder, ['doctor'], { asDvc: true });
    expect(dvc.stdout).toMatch(/^DVC version/);
    expect(dvc.stderr).not.toContain('port');
  });
});

describe('point 37: the first run', () => {
  it("makes the folder that templates of one's own go to", async () => {
    const folder = temporaryFolder();
    expect((await commandLine(folder, ['init', '--no-scm', '-q'])).status).toBe(0);
    expect(fs.statSync(path.join(folder, '.dvc/plots')).isDirectory()).toBe(true);
  });
});
