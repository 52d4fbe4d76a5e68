import type { LoadedInfo } from './worker-messages.ts';
import type { Sessions, Ran } from './sessions.ts';
import type { Tensors } from '../wire/tensor.ts';

/** A lone request is answered in the server's own thread where its run takes no longer, in milliseconds. */
const defaultShortRun = 0.3;
/** Runs of requests of about one size before their time is believed, and how many of the latest count. */
const enoughRuns = 4;
/** What loading here may cost everybody else: milliseconds, as measured in an inference thread, and bytes of files. */
const most = { milliseconds: 100, size: 8 * 1024 * 1024, sessions: 8 };

/** Where a model is to be found, and the bytes that were loaded from there. */
interface Candidate {
  readonly file: string;
  readonly md5: string;
}

/**
 * What the latest runs took by the size of their inputs, in powers of two: a larger request is another matter. The
 * shortest of them counts: what a run takes longer now and then is the machine, not the model.
 */
class RunTimes {
  readonly #bySize = new Map<number, number[]>();

  add(feeds: Tensors, milliseconds: number): void {
    const size = sizeOf(feeds);
    const latest = this.#bySize.get(size);
    if (latest === undefined) this.#bySize.set(size, [milliseconds]);
    else if (latest.push(milliseconds) > enoughRuns) latest.shift();
  }

  /** Undefined before enough is known. */
  shortest(feeds: Tensors): number | undefined {
    const latest = this.#bySize.get(sizeOf(feeds));
    return latest === undefined || latest.length < enoughRuns ? undefined : Math.min(...latest);
  }
}

function sizeOf(feeds: Tensors): number {
  let size = 1;
  for (const name in feeds) {
    const data = feeds[name]?.data ?? [];
    if (!Array.isArray(data)) size += data.length;
    else for (const text of data) size += text.length + 1;
  }
  return 31 - Math.clz32(size);
}

/**
 * Models whose runs are over sooner than a message to another thread and back would take: a request that is alone runs
 * here, in the server's own thread. A model is loaded here when its measured runs are short; none is whose values could
 * steer how much there is to compute. Those that were used longest ago make room.
 */
export class NearSessions {
  readonly #candidates = new Map<number, Candidate>();
  readonly #times = new Map<number, RunTimes>();
  /** Loaded here, the one used last at the end. */
  readonly #ready = new Set<number>();
  readonly #shortRun: number;
  #sessions: Sessions | undefined;
  #loading = false;
  #closed = false;

  constructor(shortRun: number | undefined) {
    this.#shortRun = shortRun ?? defaultShortRun;
  }

  /** Makes a model known that was loaded in an inference thread. */
  consider(session: number, file: string, info: LoadedInfo, milliseconds: number): void {
    if (info.rows.steered || info.size > most.size || milliseconds > most.milliseconds) return;
    this.#candidates.set(session, { file, md5: info.md5 });
    this.#times.set(session, new RunTimes());
  }

  /** What a run in an inference thread or here took. */
  ran(session: number, feeds: Tensors, milliseconds: number): void {
    this.#times.get(session)?.add(feeds, milliseconds);
  }

  /** True when a run of these inputs is to be made here; where it only could be, the model is loaded meanwhile. */
  takes(session: number, feeds: Tensors): boolean {
    const expected = this.#times.get(session)?.shortest(feeds);
    if (expected === undefined || expected > this.#shortRun) return false;
    if (this.#ready.delete(session)) {
      this.#ready.add(session);
      return true;
    }
    if (!this.#loading && !this.#closed) void this.#load(session);
    return false;
  }

  /** @throws MlopsError `inference_failed` or `invalid_input`, as the inference threads do. */
  async run(session: number, feeds: Tensors, fetches: readonly string[]): Promise<Ran> {
    if (this.#sessions === undefined) throw new Error(`session ${session} is not loaded here`);
    return this.#sessions.run(session, feeds, fetches);
  }

  async #load(session: number): Promise<void> {
    const candidate = this.#candidates.get(session);
    if (candidate === undefined) return;
    this.#loading = true;
    try {
      if (this.#sessions === undefined) {
        const { Sessions: Made } = await import('./sessions.ts');
        this.#sessions = new Made();
      }
      await this.#sessions.load({ session, ...candidate, describe: false });
      const wanted = this.#candidates.has(session) && !this.#closed;
      if (wanted) this.#ready.add(session);
      else await this.release(session);
      const [oldest] = this.#ready;
      if (this.#ready.size > most.sessions && oldest !== undefined) await this.#evict(oldest);
    } catch {
      // The file is another one by now, or gone: the inference threads have it.
      await this.release(session);
    } finally {
      this.#loading = false;
    }
  }

  async #evict(session: number): Promise<void> {
    this.#ready.delete(session);
    await this.#sessions?.release(session);
  }

  /** Lets go of a model; to be called when nothing of it runs any more. */
  async release(session: number): Promise<void> {
    this.#candidates.delete(session);
    this.#times.delete(session);
    await this.#evict(session);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ready.clear();
    await this.#sessions?.close();
  }
}
