import { escapeControls, withStyles } from './escape.ts';
import type { Style } from './terminal.ts';

export interface BoardOptions {
  readonly write: (text: string) => void;
  readonly columns: () => number;
  readonly rows: () => number;
  readonly style: Style;
  readonly now?: () => number;
}

const redrawEvery = 250;

/** Lines at the foot of a terminal, drawn anew a few times a second; whatever else is written stands above them. */
export class Board {
  readonly #options: BoardOptions;
  readonly #compose: () => readonly string[];
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;

  /** @param compose the lines as they are now, none longer than the terminal is wide. */
  constructor(options: BoardOptions, compose: () => readonly string[]) {
    this.#options = options;
    this.#compose = compose;
  }

  /** From here on it is drawn by itself. */
  start(): void {
    this.#timer ??= setInterval(() => this.above(() => {}), redrawEvery).unref();
  }

  /** Writes something else, above the board. */
  above(work: () => void): void {
    this.#clear();
    work();
    const lines = this.#compose();
    if (lines.length > 0) this.#options.write(withStyles(lines.join('\n')));
    this.#drawn = lines.length;
  }

  /** Takes the board away. */
  close(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #clear(): void {
    if (this.#drawn > 0) this.#options.write(`\r${'\u001b[1A'.repeat(this.#drawn - 1)}\u001b[J`);
    this.#drawn = 0;
  }
}

/** A text as one line of a board: nothing in it moves the cursor, and what is too long ends in `…`. */
export function fitLine(text: string, columns: number): string {
  const safe = escapeControls(text);
  const characters = Array.from(safe);
  return characters.length <= columns ? safe : `${characters.slice(0, Math.max(1, columns - 1)).join('')}…`;
}
