import { formatBytes, formatDuration, type Progress } from '../../base/index.ts';
import { escapeControls } from './escape.ts';

const showAfter = 300;
const redrawEvery = 80;

/**
 * One line on stderr that is rewritten in place: name, count, rate and time left. It appears only after
 * 0.3 s. Drawing happens inside `update`, synchronously, because a hash loop leaves the event loop no turn.
 */
export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #now: () => number;
  #name: string | undefined;
  #startedAt = 0;
  #drawnAt = 0;
  #visible = false;

  constructor(write: (text: string) => void, columns: () => number, now: () => number = Date.now) {
    this.#write = write;
    this.#columns = columns;
    this.#now = now;
  }

  update(progress: Progress): void {
    const now = this.#now();
    if (progress.name !== this.#name) {
      this.#name = progress.name;
      this.#startedAt = now;
      this.#drawnAt = 0;
    }
    if (now - this.#startedAt < showAfter || now - this.#drawnAt < redrawEvery) return;
    this.#drawnAt = now;
    this.#visible = true;
    this.#write(`\r${this.#fit(escapeControls(describeProgress(progress, now - this.#startedAt)))}\u001b[K`);
  }

  clear(): void {
    if (this.#visible) this.#write('\r\u001b[K');
    this.#visible = false;
    this.#name = undefined;
  }

  #fit(line: string): string {
    const room = Math.max(20, this.#columns() - 1);
    return line.length <= room ? line : `${line.slice(0, room - 1)}…`;
  }
}

/** `hashing data/images  1,204/10,000 files  12%  3,410 files/s  2.6 s left` */
export function describeProgress(progress: Progress, elapsed: number): string {
  const { done, total, unit } = progress;
  const amount = (value: number): string =>
    unit === 'bytes' ? formatBytes(value) : Math.round(value).toLocaleString('en');
  const parts = [total === undefined ? amount(done) : `${amount(done)}/${amount(total)}`];
  if (unit !== 'bytes') parts[0] += ` ${unit}`;
  const perSecond = elapsed > 0 ? (done * 1000) / elapsed : 0;
  if (total !== undefined && total > 0) parts.push(`${Math.floor((done * 100) / total)}%`);
  if (perSecond > 0) parts.push(unit === 'bytes' ? `${amount(perSecond)}/s` : `${amount(perSecond)} ${unit}/s`);
  if (total !== undefined && perSecond > 0 && done < total)
    parts.push(`${formatDuration(((total - done) * 1000) / perSecond)} left`);
  return `${progress.name}  ${parts.join('  ')}`;
}
