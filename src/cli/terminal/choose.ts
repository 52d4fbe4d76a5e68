import { emitKeypressEvents } from 'node:readline';
import type { Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';

import { MlopsError } from '../../base/index.ts';
import { escapeControls } from './escape.ts';
import type { Choice, Style } from './terminal.ts';

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/**
 * A list of which one line is chosen: by arrow keys (or `j` and `k`, or its number), then Enter. When it is done only
 * the question and the answer stay on the screen. Ctrl-C, Ctrl-D and Escape end it. Throws `interrupted`.
 */
export async function chooseByKeys(
  question: string,
  choices: readonly Choice[],
  input: ReadStream,
  output: Writable,
  style: Style,
  signal: AbortSignal,
): Promise<string> {
  const width = Math.max(...choices.map(({ value }) => value.length));
  let at = 0;
  const draw = (again: boolean): void => {
    const lines = choices.map(({ value, about }, index) => {
      const text = `${value.padEnd(width)}  ${style.dim(escapeControls(about))}`;
      return index === at ? `${style.cyan('>')} ${text}` : `  ${text}`;
    });
    output.write(`${again ? `\x1b[${choices.length}A` : ''}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
  };
  output.write(`${style.bold(escapeControls(question))}\n`);
  draw(false);
  const wasRaw = input.isRaw;
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.resume();
  try {
    await keys(input, signal, (text, key) => {
      const number = Number(text);
      if (key.name === 'up' || key.name === 'k') at = (at + choices.length - 1) % choices.length;
      else if (key.name === 'down' || key.name === 'j') at = (at + 1) % choices.length;
      else if (Number.isInteger(number) && number >= 1 && number <= choices.length) at = number - 1;
      draw(true);
    });
  } finally {
    input.setRawMode(wasRaw);
    input.pause();
  }
  const chosen = choices[at]?.value ?? '';
  output.write(`\x1b[${choices.length + 1}A\x1b[J${style.bold(escapeControls(question))} ${style.cyan(chosen)}\n`);
  return chosen;
}

/** Hands keys on until Enter. */
function keys(input: ReadStream, signal: AbortSignal, onKey: (text: string, key: Key) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: unknown): void => {
      input.off('keypress', press);
      signal.removeEventListener('abort', abort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const abort = (): void => end(signal.reason);
    const press = (text: string | undefined, key: Key): void => {
      const stops = (key.ctrl === true && (key.name === 'c' || key.name === 'd')) || key.name === 'escape';
      if (stops) end(new MlopsError('interrupted', 'nothing was chosen'));
      else if (key.name === 'return' || key.name === 'enter') end();
      else onKey(text ?? '', key);
    };
    input.on('keypress', press);
    signal.addEventListener('abort', abort, { once: true });
  });
}
