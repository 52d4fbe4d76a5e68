import { formatDuration } from '../../base/index.ts';
import { Board, fitLine, type BoardOptions } from './board.ts';

/** What a board shows of a study. */
export interface BoardStudy {
  readonly name: string;
  readonly made: number;
  /** Trials in all, where that is known. */
  readonly total: number | undefined;
  readonly counts: Readonly<Record<string, number>>;
  /** The best trial so far, in words. */
  readonly best: string | undefined;
}

interface Lane {
  readonly number: number;
  readonly params: string;
  readonly since: number;
  last: string;
}

/**
 * What a study shows on a terminal while it runs: a lane for each trial that runs, the best so far, how many were
 * pruned and failed, and how long it will take. Lines of trials that ended stand above.
 */
export class TrialBoard {
  readonly #options: BoardOptions;
  readonly #look: () => BoardStudy;
  readonly #lanes = new Map<number, Lane>();
  readonly #since: number;
  readonly #before: number;
  readonly #board: Board;

  constructor(options: BoardOptions, look: () => BoardStudy) {
    this.#options = options;
    this.#look = look;
    this.#since = Date.now();
    this.#before = look().made;
    this.#board = new Board(options, () => this.lines(options.columns()));
    this.#board.start();
  }

  start(number: number, params: string): void {
    this.#lanes.set(number, { number, params, since: Date.now(), last: '' });
  }

  report(number: number, text: string): void {
    const lane = this.#lanes.get(number);
    if (lane !== undefined) lane.last = text;
  }

  end(number: number): void {
    this.#lanes.delete(number);
  }

  /** Writes something else, above the board. */
  above(work: () => void): void {
    this.#board.above(work);
  }

  close(): void {
    this.#board.close();
    this.#lanes.clear();
  }

  lines(columns: number): string[] {
    const { style } = this.#options;
    const study = this.#look();
    const lanes = [...this.#lanes.values()].slice(0, 12).map(({ number, params, since, last }) => {
      const time = formatDuration(Date.now() - since);
      return style.cyan(fitLine(`▸ ${number}  ${time}  ${params}${last === '' ? '' : `  ${last}`}`, columns - 1));
    });
    const { RUNNING = 0, PRUNED = 0, FAILED = 0, COMPLETE = 0 } = study.counts;
    const ended = COMPLETE + PRUNED + FAILED;
    const parts = [
      `${study.name}: ${study.total === undefined ? `${ended} trials` : `${ended} of ${study.total} trials`}`,
      `${RUNNING} running`,
      ...(PRUNED > 0 ? [`${PRUNED} pruned`] : []),
      ...(FAILED > 0 ? [`${FAILED} failed`] : []),
      ...this.#remaining(study, ended),
    ];
    const best = study.best === undefined ? [] : [style.green(fitLine(`best ${study.best}`, columns - 1))];
    return [...lanes, ...best, style.bold(fitLine(parts.join(', '), columns - 1))];
  }

  #remaining({ total, made }: BoardStudy, ended: number): string[] {
    const done = made - this.#before;
    if (total === undefined || done < 2) return [];
    const left = ((Date.now() - this.#since) / done) * Math.max(0, total - ended);
    return [`about ${formatDuration(left)} left`];
  }
}
