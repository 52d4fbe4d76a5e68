import { localExecutor, shellArgv } from '../../execute/index.ts';
import type { GateResult } from './gate-result.ts';
import type { Gates } from './gates-file.ts';

/** What of a command's output is kept, in bytes. */
const kept = 64 * 1024;

export interface CodeContext {
  readonly gates: Gates;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onStep?: ((what: string) => void) | undefined;
  readonly onOutput?: ((chunk: Uint8Array) => void) | undefined;
}

/** Runs the code checks one after the other, in the folder of gates.yaml. All are run, also after one failed. */
export async function checkCode({ gates, env, signal, onStep, onOutput }: CodeContext): Promise<GateResult[]> {
  const executor = localExecutor();
  const results: GateResult[] = [];
  for (const { name, run } of gates.code ?? []) {
    signal.throwIfAborted();
    onStep?.(name);
    let tail = Buffer.alloc(0);
    const execution = executor.start({
      argv: shellArgv(run, env),
      cwd: gates.folder,
      env,
      output: 'pipe',
      onOutput: (chunk) => {
        onOutput?.(chunk);
        tail = Buffer.concat([tail, chunk]).subarray(-kept);
      },
    });
    const cancel = (): void => void execution.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    const { code, signal: by, startedAt, endedAt } = await execution.done;
    signal.removeEventListener('abort', cancel);
    signal.throwIfAborted();
    const passed = code === 0;
    const seconds = ((endedAt - startedAt) / 1000).toFixed(1);
    results.push({
      gate: 'code',
      name,
      passed,
      expected: 'exit status 0',
      found: code === null ? `ended by ${by ?? 'a signal'}` : `exit status ${code} after ${seconds} s`,
      details: { run, code, seconds: Number(seconds), ...(passed ? {} : { output: lastLines(tail.toString('utf8')) }) },
    });
  }
  return results;
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-20).join('\n');
}
