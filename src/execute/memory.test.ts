import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';

import { executorContract } from './contract.ts';
import { memoryExecutor, type MemoryProgram } from './index.ts';

const programs: Record<string, MemoryProgram> = {
  greet({ env, stdout, stderr }) {
    stdout(`${env['GREETING']}\n`);
    stderr('oops\n');
    return 3;
  },
  die: () => 'SIGKILL',
  flood({ stdout }) {
    stdout('x'.repeat(3_000_000));
    return 0;
  },
  wait: () => new Promise(() => undefined),
};

describe('memory executor', () => {
  executorContract(() => memoryExecutor(programs), {
    greet: ['greet'],
    die: ['die'],
    flood: ['flood'],
    wait: ['wait'],
  });

  it('takes a program that throws for one that failed, and tells why', async () => {
    let told = '';
    const executor = memoryExecutor({
      broken() {
        throw new Error('no luck');
      },
    });
    const spec = { argv: ['broken', '1'] as const, cwd: tmpdir(), env: {}, output: 'pipe' as const };
    const { done } = executor.start({ ...spec, onOutput: (chunk) => (told += Buffer.from(chunk).toString()) });
    expect(await done).toMatchObject({ code: 1, signal: null });
    expect(told).toBe('Error: no luck\n');
  });
});
