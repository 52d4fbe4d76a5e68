import { formatBytes, formatDuration, type Progress } from '../../base/index.ts';
import { escapeControls } from './escape.ts';

const showAfter = 300;
const redrawEvery = 80;

/**
 * One line on stderr that is rewritten in place: name, count, rate and time left. It appears only after
 * 0.3 s of work, whatever it is called by then. Drawing happens inside `update`, synchronously, because a hash loop leaves the event loop no turn.
 */
export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #now: () => number;
  #name: string | undefined;
  #startedAt = 0;
  #firstAt: number | undefined;
  #drawnAt = 0;
  #visible = false;

  constructor(write: (text: string) => void, columns: () => number, now: () => number = Date.now) {
    this.#write = write;
    this.#columns = columns;
    this.#now = now;
  }

  update(progress: Progress): void {
    const now = this.#now();
    this.#firstAt ??= now;
    if (progress.name !== this.#name) {
      this.#name = progress.name;
      this.#startedAt = now;
      this.#drawnAt = 0;
    }
    if (now - this.#firstAt < showAfter || now - this.#drawnAt < redrawEvery) return;
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

/** `hashing data/images  1,204/10,000 files  300 MB/2.4 GB  12%  100 MB/s  21 s left` */
export function describeProgress(progress: Progress, elapsed: number): string {
  const { unit, bytes } = progress;
  const isOne = bytes !== undefined && bytes.total !== undefined && progress.total === 1;
  const parts = isOne ? [] : [countOf(progress, unit)];
  if (bytes !== undefined && (bytes.done > 0 || isOne)) parts.push(countOf(bytes, 'bytes'));
  // Files are of any size: what is left is told by their bytes, where those are known.
  const measured = bytes?.total !== undefined && bytes.total > 0 ? bytes : progress;
  const { done, total } = measured;
  if (total !== undefined && total > 0) parts.push(`${Math.floor((done * 100) / total)}%`);
  const shown = bytes !== undefined && bytes.done > 0 ? bytes : progress;
  const rate = (shown.done * 1000) / elapsed;
  if (elapsed > 0 && rate > 0) parts.push(`${amountOf(rate, shown === bytes ? 'bytes' : unit)}/s`);
  if (elapsed > 0 && done > 0 && total !== undefined && done < total)
    parts.push(`${formatDuration(((total - done) * elapsed) / done)} left`);
  return `${progress.name}  ${parts.join('  ')}`;
}

function countOf({ done, total }: { done: number; total?: number }, unit: Progress['unit']): string {
  if (total === undefined) return amountOf(done, unit);
  return unit === 'bytes'
    ? `${formatBytes(done)}/${formatBytes(total)}`
    : `${Math.round(done).toLocaleString('en')}/${amountOf(total, unit)}`;
}

function amountOf(value: number, unit: Progress['unit']): string {
  return unit === 'bytes' ? formatBytes(value) : `${Math.round(value).toLocaleString('en')} ${unit}`;
}
