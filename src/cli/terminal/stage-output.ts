import { StringDecoder } from 'node:string_decoder';

import { escapeControls } from './escape.ts';

/**
 * Output of stages that run side by side: whole lines only, each after its stage's name, so that no line is
 * torn by another stage. What commands write is theirs, colours included: it is given on as bytes, which no terminal of
 * ours escapes.
 */
export class StageOutput {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #prefixed: boolean;
  readonly #open = new Map<string, { decoder: StringDecoder; rest: string }>();

  constructor(write: (bytes: Uint8Array) => void, prefixed: boolean) {
    this.#write = write;
    this.#prefixed = prefixed;
  }

  chunk(stage: string, bytes: Uint8Array): void {
    if (!this.#prefixed) {
      this.#write(bytes);
      return;
    }
    const state = this.#open.get(stage) ?? { decoder: new StringDecoder('utf8'), rest: '' };
    this.#open.set(stage, state);
    const lines = (state.rest + state.decoder.write(Buffer.from(bytes))).split('\n');
    state.rest = lines.pop() ?? '';
    if (lines.length > 0) this.#write(Buffer.from(lines.map((line) => `${this.prefix(stage)}${line}\n`).join('')));
  }

  /** A stage ended: what it left without a newline is shown as a line. */
  end(stage: string): void {
    const rest = this.#open.get(stage)?.rest ?? '';
    this.#open.delete(stage);
    if (rest !== '') this.#write(Buffer.from(`${this.prefix(stage)}${rest}\n`));
  }

  prefix(stage: string): string {
    return this.#prefixed ? `[${escapeControls(stage)}] ` : '';
  }
}
