import { StringDecoder } from 'node:string_decoder';

import { escapeControls } from './escape.ts';

/**
 * Output of stages that run side by side: whole lines only, each after its stage's name, so that no line is
 * torn by another stage. What would move the cursor away from the name (a progress bar that goes back to the start of
 * its line) is left out: of a line that is written over, its last state is shown, and one a second on the way. What commands write is theirs, colours included: it is given on as bytes, which no terminal of
 * ours escapes.
 */
export class StageOutput {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #prefixed: boolean;
  readonly #now: () => number;
  readonly #open = new Map<string, { decoder: StringDecoder; rest: string; shownAt: number }>();

  constructor(write: (bytes: Uint8Array) => void, prefixed: boolean, now: () => number = Date.now) {
    this.#write = write;
    this.#prefixed = prefixed;
    this.#now = now;
  }

  chunk(stage: string, bytes: Uint8Array): void {
    if (!this.#prefixed) {
      this.#write(bytes);
      return;
    }
    const state = this.#open.get(stage) ?? { decoder: new StringDecoder('utf8'), rest: '', shownAt: -Infinity };
    this.#open.set(stage, state);
    const lines = (state.rest + state.decoder.write(Buffer.from(bytes))).split('\n');
    const open = lines.pop() ?? '';
    const whole = lines.map(lastState);
    // What stands before the last return is finished for now; the return itself may be half of a line end.
    const back = open.lastIndexOf('\r', open.length - 2);
    if (back >= 0) {
      const now = this.#now();
      const shown = lastState(open.slice(0, back));
      if (shown !== '' && now - state.shownAt >= overwrittenEvery) {
        whole.push(shown);
        state.shownAt = now;
      }
    }
    state.rest = open.slice(back + 1);
    if (whole.length > 0) this.#write(Buffer.from(whole.map((line) => `${this.prefix(stage)}${line}\n`).join('')));
  }

  /** A stage ended: what it left without a newline is shown as a line. */
  end(stage: string): void {
    const rest = lastState(this.#open.get(stage)?.rest ?? '');
    this.#open.delete(stage);
    if (rest !== '') this.#write(Buffer.from(`${this.prefix(stage)}${rest}\n`));
  }

  prefix(stage: string): string {
    return this.#prefixed ? `[${escapeControls(stage)}] ` : '';
  }
}

/** Milliseconds between two states of a line that is written over. */
const overwrittenEvery = 1000;

/** The line as a terminal would show it at its end: what was written after the last return that wrote anything. */
function lastState(line: string): string {
  const plain = withoutMovement(line);
  if (!plain.includes('\r')) return plain;
  const states = plain.split('\r');
  return states.findLast((state) => state !== '') ?? '';
}

/** Without the sequences that move the cursor or clear; colours (`m`) stay. */
function withoutMovement(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.includes('\u001b') ? line.replace(/\u001b\[[\d;?]{0,30}[A-Za-ln-z]|\u001b[78]/g, '') : line;
}
