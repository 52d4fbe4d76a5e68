import { spawn } from 'node:child_process';

import { isSystemError } from '../../base/index.ts';
import { shown } from './escape.ts';
import type { Terminal } from './terminal.ts';

/**
 * Shows a long text as DVC does: when stdout is a terminal, through `DVC_PAGER`, `PAGER` or `less` (which gives it back
 * where it fits the screen); otherwise it is just printed. Without `less` it is printed with a warning.
 */
export async function page(text: string, terminal: Terminal): Promise<void> {
  if (!terminal.stdoutIsTty || terminal.noPager) return terminal.print(text);
  const wanted = terminal.env['DVC_PAGER'] || terminal.env['PAGER'] || 'less';
  const safe = shown(text, true);
  terminal.clearProgress();
  try {
    // Whoever sets LESS chooses when it ends; wide lines are scrolled in any case.
    const options = (terminal.env['LESS'] ?? '') === '' ? ['-FX', '-RS'] : ['-RS'];
    await (wanted === 'less' ? feed(safe, 'less', options, false) : feed(safe, wanted, [], true));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    terminal.warn('`less` was not found: install it, or name another pager in DVC_PAGER.');
    terminal.print(text);
  }
}

/** Runs a pager and waits for its end. One that is left before it has read everything is fine. */
function feed(text: string, program: string, args: readonly string[], shell: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], shell });
    child.on('error', reject);
    child.on('close', () => resolve());
    child.stdin.on('error', (error) => {
      if (!isSystemError(error, 'EPIPE')) reject(error);
    });
    child.stdin.end(`${text}\n`);
  });
}
