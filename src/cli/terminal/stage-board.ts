import { formatDuration } from '../../base/index.ts';
import type { ReproEvent } from '../../repo/pipeline/repro-events.ts';
import { Board, fitLine, type BoardOptions } from './board.ts';

type State = 'waiting' | 'running' | 'ended' | 'blocked';

/** Thousands of stages that did not change pass in a moment, and each is a line above the board. */
const composeEvery = 80;

/**
 * What a repro with several stages at a time shows below its output on a terminal, drawn anew a few times a second:
 * the stages that run and since when, the next ones with what they wait for, and how far it is. Whatever else is
 * written goes through `above`, so that it stands above the board.
 */
export class StageBoard {
  readonly #options: BoardOptions;
  readonly #now: () => number;
  readonly #states = new Map<string, State>();
  readonly #needs = new Map<string, readonly string[]>();
  readonly #startedAt = new Map<string, number>();
  readonly #board: Board;
  #lines: readonly string[] = [];
  #composedAt = -Infinity;
  #cached = 0;
  #unchanged = 0;

  constructor(options: BoardOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#board = new Board(options, () => this.#compose());
  }

  take(event: ReproEvent): void {
    if (event.kind === 'plan') {
      for (const stage of event.stages) {
        this.#states.set(stage.address, 'waiting');
        this.#needs.set(
          stage.address,
          event.needs(stage).map((other) => other.address),
        );
      }
      this.#board.start();
    } else if (event.kind === 'running') this.#start(event.stage.address);
    else if (event.kind === 'unchanged') {
      this.#unchanged++;
      this.#states.set(event.stage.address, 'ended');
    } else if (event.kind === 'done') {
      if (event.how !== 'ran') this.#cached++;
      this.#states.set(event.stage.address, 'ended');
    } else if (event.kind === 'failed') this.#states.set(event.stage.address, 'ended');
    else if (event.kind === 'blocked') for (const { address } of event.stages) this.#states.set(address, 'blocked');
  }

  /** Writes something else, above the board. */
  above(work: () => void): void {
    this.#board.above(work);
  }

  /** Takes the board away. */
  close(): void {
    this.#board.close();
    this.#states.clear();
  }

  /** The board as lines, no longer than the terminal is wide and no more than fit into half of it. */
  lines(columns: number, rows: number): string[] {
    const room = Math.max(3, Math.floor(rows / 2));
    const running = this.#named('running');
    const waiting = this.#named('waiting').filter((address) => this.#waitsFor(address).length > 0);
    if (running.length === 0) return [];
    const dim = (text: string): string => this.#options.style.dim(text);
    const cyan = (text: string): string => this.#options.style.cyan(text);
    const bold = (text: string): string => this.#options.style.bold(text);
    const shown: [string, (text: string) => string][] = running.map((address) => [
      `▸ ${address}  ${formatDuration(this.#now() - (this.#startedAt.get(address) ?? this.#now()))}`,
      cyan,
    ]);
    for (const address of waiting) shown.push([`· ${address} waits for ${this.#waitsFor(address).join(', ')}`, dim]);
    const hidden = shown.length - (room - 1);
    if (hidden > 0) shown.splice(room - 2, hidden + 1, [`  and ${hidden + 1} more`, dim]);
    shown.push([this.#progress(), bold]);
    return shown.map(([text, paint]) => paint(fitLine(text, columns - 1)));
  }

  #progress(): string {
    const all = this.#states.size;
    const ended = this.#named('ended').length;
    const parts = [`${ended} of ${all} stages`];
    if (this.#cached > 0) parts.push(`${this.#cached} from the cache`);
    if (this.#unchanged > 0) parts.push(`${this.#unchanged} unchanged`);
    const blocked = this.#named('blocked').length;
    if (blocked > 0) parts.push(`${blocked} left out`);
    return parts.join(', ');
  }

  #start(address: string): void {
    this.#states.set(address, 'running');
    this.#startedAt.set(address, this.#now());
  }

  #named(state: State): string[] {
    return [...this.#states].flatMap(([address, own]) => (own === state ? [address] : []));
  }

  #waitsFor(address: string): string[] {
    const open = (other: string): boolean => ['waiting', 'running'].includes(this.#states.get(other) ?? 'ended');
    return (this.#needs.get(address) ?? []).filter(open);
  }

  #compose(): readonly string[] {
    const now = this.#now();
    if (now - this.#composedAt >= composeEvery) {
      this.#lines = this.lines(this.#options.columns(), this.#options.rows());
      this.#composedAt = now;
    }
    return this.#lines;
  }
}
