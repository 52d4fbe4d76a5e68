import * as fs from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { until } from '../../test/support/until.ts';
import { executorContract } from './contract.ts';
import { commandLines, localExecutor, shellArgv } from './index.ts';

const node = (script: string) => [process.execPath, '-e', script] as const;

describe('local executor', () => {
  executorContract(() => localExecutor(), {
    greet: node('console.log(process.env.GREETING); console.error("oops"); process.exitCode = 3'),
    die: node('process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 5000)'),
    flood: node('process.stdout.write("x".repeat(3_000_000))'),
    wait: node('setInterval(() => {}, 1000)'),
  });

  it('cancels everything that the command started', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'mlops-exec-'));
    const pidFile = path.join(dir, 'pid');
    const execution = localExecutor({ grace: 300 }).start({
      argv: ['/bin/sh', '-c', `sleep 60 & echo $! > '${pidFile}.part'; mv '${pidFile}.part' '${pidFile}'; wait`],
      cwd: dir,
      env: process.env,
      output: 'pipe',
    });
    await until(() => fs.existsSync(pidFile), 'the command runs', 30_000);
    await execution.cancel('SIGINT');
    const pid = Number(fs.readFileSync(pidFile, 'utf8'));
    await until(() => !running(pid), 'the command is gone', 30_000);
    expect(running(pid)).toBe(false);
  });

  it('kills a command that ignores the polite signal, after the grace period', async () => {
    let ready = false;
    const execution = localExecutor({ grace: 200 }).start({
      argv: ['/bin/sh', '-c', "trap '' TERM INT; echo ready; while :; do sleep 0.05; done"],
      cwd: tmpdir(),
      env: process.env,
      output: 'pipe',
      onOutput: () => (ready = true),
    });
    await until(() => ready, 'the command runs', 30_000);
    await execution.cancel();
    expect((await execution.done).signal).toBe('SIGKILL');
  });

  it('does not wait for a process left in the background, and says that there is one', async () => {
    const execution = localExecutor({ drain: 100 }).start({
      argv: ['/bin/sh', '-c', 'sleep 20 & echo $!'],
      cwd: tmpdir(),
      env: process.env,
      output: 'pipe',
    });
    const result = await execution.done;
    expect(result).toMatchObject({ code: 0, background: true });
    expect(result.endedAt - result.startedAt).toBeLessThan(5000);
    await execution.cancel('SIGKILL');
  });
});

describe('shellArgv', () => {
  it('starts the shell of the user without its start-up files', () => {
    expect(shellArgv('echo 1', { SHELL: '/bin/bash' })).toEqual(['/bin/bash', '--noprofile', '--norc', '-c', 'echo 1']);
    expect(shellArgv('echo 1', { SHELL: '/usr/bin/zsh' })).toEqual(['/usr/bin/zsh', '--no-rcs', '-c', 'echo 1']);
    expect(shellArgv('echo 1', {})).toEqual(['/bin/sh', '-c', 'echo 1']);
    expect(shellArgv('echo 1', { SHELL: '' })).toEqual(['/bin/sh', '-c', 'echo 1']);
  });
});

describe('commandLines', () => {
  it('gives each line of a text a shell of its own, and keeps list items whole', () => {
    expect(commandLines('a\nb\n')).toEqual(['a', 'b']);
    expect(commandLines('a\n\nb')).toEqual(['a', '', 'b']);
    expect(commandLines(['a\nb', 'c'])).toEqual(['a\nb', 'c']);
  });
});

function running(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) Z /.test(stat);
  } catch {
    return false;
  }
}
