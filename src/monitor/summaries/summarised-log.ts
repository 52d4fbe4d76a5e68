import * as fs from 'node:fs';
import * as path from 'node:path';

import { headerLine, segmentFiles } from '../prediction-log.ts';
import { checkHeader, partsOf } from '../prediction-reader.ts';
import type { Window } from '../stats.ts';
import { common, isAmong } from './id-set.ts';
import { extentOf, LogSummary, type LogState } from './log-summary.ts';
import { ScanAhead } from './scan-apart.ts';
import { scanSegments, type Part } from './scan-segment.ts';
import { readSummaryIds, readSummaryJson, writeSummaryFile } from './summary-file.ts';

const folderName = '.summaries';
/** The merged summary of segments that have not changed for long. */
const mergedName = 'merged';
/** Of the segment that grows a summary is written whenever so many bytes are new. */
const growth = 1 << 20;
/** So many segments beyond those of the merged summary are merged into it. */
const mergedAt = 4;
/** A change is told by the bytes before the end of what was read. */
const printSize = 150;

interface Segment {
  readonly file: string;
  readonly name: string;
  readonly size: number;
  readonly mtime: number;
}

interface SegmentState {
  /** How far the segment was read, in bytes, and when it was written to last. */
  readonly to: number;
  readonly mtime: number;
  /** Of the last bytes before. */
  readonly print: string;
  /** Segments that hold predictions of this one, which were not counted again: they must still be there. */
  readonly shared: readonly string[];
  /** Whether any of its predictions was not counted because its id had been there. */
  readonly repeated: boolean;
  readonly state: LogState;
}

/** The summary of a segment by bucket: of the same bytes as the one without. */
type BucketState = Pick<SegmentState, 'to' | 'mtime' | 'print' | 'state'>;

/** A kind of bucket. */
export interface Buckets {
  readonly name: string;
  readonly of: (at: number) => string;
}

interface MergedState {
  readonly segments: readonly (readonly [name: string, size: number, mtime: number])[];
  readonly shared: readonly string[];
  readonly state: LogState;
}

/** The predictions of a log, summed up by what lies beside it; see `logStats`. */
export class SummarisedLog {
  readonly #folder: string;
  readonly #segments: readonly Segment[];
  readonly #names: ReadonlySet<string>;
  readonly #ids = new Map<string, Float64Array>();
  /** Segments whose predictions are in the sum. */
  readonly #counted = new Set<string>();
  #wrote = false;
  #ahead = new ScanAhead([]);

  constructor(directory: string) {
    this.#folder = path.join(directory, folderName);
    this.#segments = segmentFiles(directory).map((file) => {
      const { size, mtimeMs: mtime } = fs.statSync(file);
      return { file, name: path.basename(file, '.jsonl'), size, mtime };
    });
    this.#names = new Set(this.#segments.map(({ name }) => name));
  }

  /** Those of a window, in buckets where these are given. */
  slice(window: Window, buckets?: Buckets): Promise<LogSummary> {
    return this.#scanningAhead(this.#segments, () => this.#slice(window, buckets));
  }

  /** All of them. */
  all(): Promise<LogSummary> {
    const merged = this.#readMerged();
    const done = new Set(merged?.segments.map(([name]) => name));
    const others = this.#segments.filter(({ name }) => !done.has(name));
    return this.#scanningAhead(others, () => this.#all(merged, others));
  }

  async #scanningAhead<Value>(segments: readonly Segment[], work: () => Promise<Value>): Promise<Value> {
    const fresh = segments.filter(({ name }) => !fs.existsSync(this.#fileOf(name)));
    this.#ahead = new ScanAhead(fresh.map(({ file, size }) => ({ file, from: headerLine.length, end: size })));
    try {
      return await work();
    } finally {
      this.#ahead.close();
    }
  }

  async #slice({ since = -Infinity, until = Infinity }: Window, buckets?: Buckets): Promise<LogSummary> {
    const sum = new LogSummary();
    for (const segment of this.#segments) {
      checkHeader(segment.file);
      const known = await this.#stateOf(segment, segment === this.#segments.at(-1), true);
      this.#counted.add(segment.name);
      const [first, last] = extentOf(known.state);
      if (last < since || first >= until) continue;
      if (first < since || last >= until) sum.merge(await this.#partOf(segment, known, { since, until }, buckets));
      else sum.mergeState(buckets === undefined ? known.state : await this.#bucketed(segment, known, buckets));
    }
    if (this.#wrote) this.#clean();
    return sum;
  }

  /** What of a segment lies in a window. */
  async #partOf(segment: Segment, known: SegmentState, window: Window, buckets?: Buckets): Promise<LogSummary> {
    const { file } = segment;
    // Where an id comes twice, which one is the first must be seen.
    const places = known.repeated ? [{ from: headerLine.length }] : partsOf(file, window);
    const parts = places.map(({ from, to = known.to }): Part => ({ file, from, end: Math.min(to, known.to) }));
    const scanned = await scanSegments(parts, { ...window, ...this.#countedIn(segment, known), bucketOf: buckets?.of });
    return scanned.summary;
  }

  async #bucketed(segment: Segment, known: SegmentState, { name, of }: Buckets): Promise<LogState> {
    const { file } = segment;
    const { to, mtime, print } = known;
    const place = path.join(encodeURIComponent(name), segment.name);
    const kept = readSummaryJson(this.#fileOf(place)) as BucketState | undefined;
    if (kept?.to === to && kept.mtime === mtime && kept.print === print) return kept.state;
    const goesOn = kept !== undefined && !known.repeated && kept.to < to && printOf(file, kept.to) === kept.print;
    const from = goesOn ? kept.to : headerLine.length;
    const scanned = await scanSegments([{ file, from, end: to }], { ...this.#countedIn(segment, known), bucketOf: of });
    const summary = new LogSummary();
    if (goesOn) summary.mergeState(kept.state);
    summary.merge(scanned.summary);
    const state: BucketState = { to, mtime, print, state: summary.toState() };
    if (segment !== this.#segments.at(-1) || to - from >= growth) this.#write(place, state, new Float64Array(0));
    return state.state;
  }

  /** Predictions that are in another segment too count there. */
  #countedIn({ name }: Segment, { shared }: SegmentState): { counts?: (id: number) => boolean } {
    const own = shared.length === 0 ? undefined : this.#idsOf(name);
    return own === undefined ? {} : { counts: (id) => isAmong(own, id) };
  }

  /** @param others segments that are not in the merged summary. */
  async #all(merged: MergedState | undefined, others: readonly Segment[]): Promise<LogSummary> {
    const settled = new LogSummary();
    const moving = new LogSummary();
    if (merged !== undefined) settled.mergeState(merged.state);
    const members: MergedState['segments'][number][] = [...(merged?.segments ?? [])];
    const shared = new Set(merged?.shared);
    for (const [name] of members) this.#counted.add(name);
    for (const segment of others) {
      checkHeader(segment.file);
      const isLast = segment === this.#segments.at(-1);
      const known = await this.#stateOf(segment, isLast);
      this.#counted.add(segment.name);
      if (!known.saved || isLast) {
        moving.mergeState(known.state);
        continue;
      }
      settled.mergeState(known.state);
      members.push([segment.name, segment.size, segment.mtime]);
      for (const name of known.shared) shared.add(name);
    }
    if (members.length - (merged?.segments.length ?? 0) >= mergedAt) {
      const state: MergedState = { segments: members, shared: [...shared], state: settled.toState() };
      this.#write(mergedName, state, new Float64Array(0));
    }
    if (this.#wrote) this.#clean();
    settled.merge(moving);
    return settled;
  }

  /** Undefined where a segment of it changed or is gone. */
  #readMerged(): MergedState | undefined {
    const found = readSummaryJson(this.#fileOf(mergedName)) as MergedState | undefined;
    if (found === undefined || !found.shared.every((name) => this.#names.has(name))) return undefined;
    const sizes = new Map(this.#segments.map((segment) => [segment.name, segment]));
    const fits = found.segments.every(([name, size, mtime]) => {
      const segment = sizes.get(name);
      return segment?.size === size && segment.mtime === mtime && fs.existsSync(this.#fileOf(name));
    });
    return fits ? found : undefined;
  }

  /** @param sliced parts of it may be asked for, by their ids. */
  async #stateOf(segment: Segment, isLast: boolean, sliced = false): Promise<SegmentState & { saved: boolean }> {
    const known = this.#readState(segment, sliced);
    if (known?.to === segment.size) return { ...known, saved: true };
    const from = known?.to ?? headerLine.length;
    const own = known === undefined ? new Float64Array(0) : (this.#idsOf(segment.name) ?? new Float64Array(0));
    const part = { file: segment.file, from, end: segment.size };
    let scanned = (known === undefined ? await this.#ahead.take(part) : undefined) ?? (await scanSegments([part]));
    // A line that a crash cut short is all there is.
    if (known?.to === scanned.to) return { ...known, saved: true };
    const twice = await this.#twice(segment.name, scanned.ids, own);
    if (twice.ids.size > 0) scanned = await scanSegments([part], { counts: (id) => !twice.ids.has(id) });
    const summary = new LogSummary();
    if (known !== undefined) summary.mergeState(known.state);
    summary.merge(scanned.summary);
    const ids = own.length === 0 ? scanned.ids : joined(own, scanned.ids);
    this.#ids.set(segment.name, ids);
    const state: SegmentState = {
      to: scanned.to,
      mtime: segment.mtime,
      print: printOf(segment.file, scanned.to),
      shared: [...new Set([...(known?.shared ?? []), ...twice.segments])],
      repeated: scanned.repeated || known?.repeated === true,
      state: summary.toState(),
    };
    const isWorth = !isLast || scanned.to - from >= growth;
    return { ...state, saved: isWorth && this.#write(segment.name, state, ids) };
  }

  #readState({ file, name, size, mtime }: Segment, sliced: boolean): SegmentState | undefined {
    const known = readSummaryJson(this.#fileOf(name)) as SegmentState | undefined;
    if (known === undefined || known.to > size || (known.to === size && known.mtime !== mtime)) return undefined;
    if (!known.shared.every((other) => this.#names.has(other))) return undefined;
    if (printOf(file, known.to) !== known.print) return undefined;
    // Ids are needed only where something is to be added, or a part to be told from what other segments hold.
    const needed = known.to < size || (sliced && known.shared.length > 0);
    return needed && this.#idsOf(name) === undefined ? undefined : known;
  }

  /** Of some predictions of a segment those that were counted already, and in which segments. */
  async #twice(name: string, ids: Float64Array, own: Float64Array): Promise<{ ids: Set<number>; segments: string[] }> {
    const found = new Set<number>(ids.length === 0 ? [] : common(ids, own));
    const segments: string[] = [];
    for (const other of ids.length === 0 ? [] : this.#names) {
      if (other === name) continue;
      const shared = common(ids, this.#idsOf(other) ?? (await this.#readIds(other)));
      if (shared.length > 0) segments.push(other);
      for (const id of shared) found.add(id);
    }
    return { ids: found, segments };
  }

  #idsOf(name: string): Float64Array | undefined {
    let ids = this.#ids.get(name);
    if (ids !== undefined) return ids;
    ids = readSummaryIds(this.#fileOf(name));
    if (ids !== undefined) this.#ids.set(name, ids);
    return ids;
  }

  /** Of a segment that is in the sum, but whose ids were damaged; one that is not there yet will ask in its turn. */
  async #readIds(name: string): Promise<Float64Array> {
    const segment = this.#segments.find((one) => one.name === name);
    if (segment === undefined || !this.#counted.has(name)) return new Float64Array(0);
    const { ids } = await scanSegments([{ file: segment.file, from: headerLine.length, end: segment.size }]);
    this.#ids.set(name, ids);
    return ids;
  }

  #fileOf(name: string): string {
    return path.join(this.#folder, name);
  }

  /** False where the log can only be read. */
  #write(name: string, state: unknown, ids: Float64Array): boolean {
    try {
      fs.mkdirSync(path.dirname(this.#fileOf(name)), { recursive: true, mode: 0o700 });
      writeSummaryFile(this.#fileOf(name), state, ids);
      this.#wrote = true;
      return true;
    } catch {
      return false;
    }
  }

  /** Removes what segments left that are gone. */
  #clean(): void {
    for (const place of fs.readdirSync(this.#folder, { recursive: true, encoding: 'utf8' })) {
      const name = path.basename(place);
      if (name.startsWith('predictions-') && !this.#names.has(name)) fs.rmSync(this.#fileOf(place), { force: true });
    }
  }
}

function joined(one: Float64Array, other: Float64Array): Float64Array {
  const all = new Float64Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all.sort();
}

function printOf(file: string, to: number): string {
  const length = Math.min(printSize, to);
  const bytes = Buffer.alloc(length);
  const handle = fs.openSync(file, 'r');
  try {
    fs.readSync(handle, bytes, 0, length, to - length);
  } finally {
    fs.closeSync(handle);
  }
  return bytes.toString('base64');
}
