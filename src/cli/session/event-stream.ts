import { isMlopsError, messageOf, type Progress } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The version of the events; a change that breaks a reader raises it (docs/json.md). */
export const eventFormat = 1;

/** Milliseconds between two events of progress. */
const progressEvery = 200;

/**
 * A terminal for `--json` of a command that takes a while: stdout holds a line of JSON per event, and none of the text
 * that people read there. What is said on stderr stays.
 */
export function eventStream(terminal: Terminal, command: Command): Terminal {
  let toldAt = 0;
  let told = '';
  const quiet: Terminal = {
    ...terminal,
    event: (event) => terminal.jsonLine(event),
    print: () => undefined,
    write: () => undefined,
    progress: (progress) => {
      terminal.progress(progress);
      const now = Date.now();
      const isEnd = progress.total !== undefined && progress.done >= progress.total;
      const key = `${progress.name} ${progress.done}`;
      if ((now - toldAt < progressEvery && !isEnd) || (isEnd && key === told)) return;
      toldAt = now;
      told = key;
      terminal.jsonLine(progressEvent(progress));
    },
  };
  terminal.jsonLine({ event: 'start', format: eventFormat, command: command.name });
  return quiet;
}

function progressEvent({ name, unit, done, total, bytes }: Progress): object {
  return {
    event: 'progress',
    name,
    unit,
    done,
    ...(total === undefined ? {} : { total }),
    ...(bytes === undefined ? {} : { bytes_done: bytes.done }),
    ...(bytes?.total === undefined ? {} : { bytes_total: bytes.total }),
  };
}

/** The failure that ends a stream; its text is on stderr, too. */
export function errorEvent(error: unknown): { readonly event: string; readonly [fact: string]: unknown } {
  if (!isMlopsError(error)) return { event: 'error', code: 'bug', message: messageOf(error) };
  const { code, message, hint, where } = error;
  return {
    event: 'error',
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where }),
  };
}
