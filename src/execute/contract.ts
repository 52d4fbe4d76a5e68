import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';

import type { CommandResult, Executor } from './executor.ts';

type Argv = readonly [string, ...string[]];

/** Programs of a kind that the contract starts. */
export interface ContractPrograms {
  /** Prints the variable GREETING, `oops` on stderr, and ends with 3. */
  readonly greet: Argv;
  /** Is ended by SIGKILL. */
  readonly die: Argv;
  /** Prints three million times `x`. */
  readonly flood: Argv;
  /** Never ends by itself. */
  readonly wait: Argv;
}

/** What every kind of executor must do; called inside a `describe` of its own tests. */
export function executorContract(create: () => Executor, programs: ContractPrograms): void {
  async function run(argv: Argv): Promise<{ result: CommandResult; stdout: string; stderr: string }> {
    const chunks = { stdout: '', stderr: '' };
    const execution = create().start({
      argv,
      cwd: tmpdir(),
      env: { ...process.env, GREETING: 'hello' },
      output: 'pipe',
      onOutput: (chunk, stream) => {
        chunks[stream] += Buffer.from(chunk).toString('utf8');
      },
    });
    return { result: await execution.done, ...chunks };
  }

  it('tells the exit code, the times, and hands over both streams', async () => {
    const { result, stdout, stderr } = await run(programs.greet);
    expect(result).toMatchObject({ code: 3, signal: null });
    expect(result.endedAt).toBeGreaterThanOrEqual(result.startedAt);
    expect(stdout).toBe('hello\n');
    expect(stderr).toBe('oops\n');
  });

  it('tells the signal that ended a command', async () => {
    const { result } = await run(programs.die);
    expect(result).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it('hands over large output whole', async () => {
    const { stdout } = await run(programs.flood);
    expect(stdout).toHaveLength(3_000_000);
  });

  it('throws when the program is missing, naming it', () => {
    const start = (): unknown =>
      create().start({ argv: ['no-such-program-here'], cwd: tmpdir(), env: process.env, output: 'pipe' });
    expect(start).toThrow(expect.objectContaining({ code: 'program_missing' }));
  });

  it('throws when the working directory is missing, naming it', () => {
    const start = (): unknown =>
      create().start({ argv: programs.greet, cwd: '/no/such/folder', env: process.env, output: 'pipe' });
    expect(start).toThrow(/'\/no\/such\/folder' does not exist/);
  });

  it('cancels a running command', async () => {
    const execution = create().start({
      argv: programs.wait,
      cwd: tmpdir(),
      env: process.env,
      output: 'pipe',
    });
    await execution.cancel();
    expect((await execution.done).code).not.toBe(0);
  });

  it('attaches to what runs by its id, tells its end, and ends it', async () => {
    const executor = create();
    const execution = executor.start({ argv: programs.wait, cwd: tmpdir(), env: process.env, output: 'pipe' });
    const attached = executor.attach(execution.id);
    expect(attached).toBeDefined();
    let ended = false;
    const told = attached?.ended.then(() => (ended = true));
    expect(ended).toBe(false);
    await attached?.cancel();
    await told;
    expect((await execution.done).code).not.toBe(0);
    expect(executor.attach(execution.id)).toBeUndefined();
  });

  it('attaches to nothing by an id that never was one', () => {
    for (const id of ['', 'x', '0:0', '999999999:1']) expect(create().attach(id)).toBeUndefined();
  });

  it('tells what its commands may take together', () => {
    for (const amount of Object.values(create().capacity())) expect(amount).toBeGreaterThan(0);
  });
}
