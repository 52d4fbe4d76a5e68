import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';

import { messageOf, MlopsError, type Logger } from '../../base/index.ts';
import type { ListenOptions } from '../../http/index.ts';
import { PredictionLog, type PredictionLogOptions } from '../../monitor/index.ts';
import { countsOnly, mergeSnapshots, processNumbers, type ServerSnapshot } from '../numbers/snapshot.ts';
import { Changes } from './changes.ts';
import { Doorman, type Taker } from './doorman.ts';
import type { MemberMethods, MemberReady, SupervisorMethods } from './protocol.ts';
import { received, Rpc } from './rpc.ts';

export interface SuperviseOptions extends ListenOptions {
  /** Server processes. */
  readonly workers: number;
  readonly predictionLog?: PredictionLogOptions | undefined;
  readonly log: Logger;
}

/** A server of several processes, seen from the process that keeps them. */
export interface SupervisedServer {
  /** What the first process said when it was ready. */
  readonly models: MemberReady['models'];
  readonly failures: readonly { readonly name: string; readonly error: Error }[];
  readonly url: string;
  /** Stops all gracefully; false when one had to be cut or failed. `deadline` is theirs, in milliseconds. */
  close(deadline: number): Promise<boolean>;
}

interface Place {
  readonly number: number;
  worker: Worker;
  rpc: Rpc<MemberMethods>;
  readonly taker: Taker;
  ready: MemberReady | undefined;
  /** What the process that is here counted, as far as we know. */
  counts: ServerSnapshot | undefined;
  /** Starts in a row that failed. */
  failures: number;
  gone: boolean;
}

/**
 * Starts this program again as `workers` processes that share one port, and keeps them: one that dies is started
 * again with the state of the others, changes are made in all or none, numbers are added up, and this process alone
 * writes the prediction log.
 *
 * @throws MlopsError what a process failed with, when one cannot start.
 */
export async function superviseServers(options: SuperviseOptions): Promise<SupervisedServer> {
  const doorman = await Doorman.listen(options);
  const supervisor = new Supervisor(options, doorman);
  try {
    const ready = await supervisor.start();
    const failures = ready.failures.map(({ name, error }) => ({ name, error: received(error) }));
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    const url = `http://${host}:${doorman.port}`;
    return { models: ready.models, failures, url, close: (deadline) => supervisor.close(deadline) };
  } catch (error) {
    await supervisor.close(0);
    throw error;
  }
}

/** How long connections are still taken once stopping has begun, in milliseconds. */
const graceMs = 300;
/** How long to wait for the numbers of a process that is busy. */
const snapshotPatience = 500;

class Supervisor {
  readonly #options: SuperviseOptions;
  readonly #doorman: Doorman;
  readonly #places: Place[] = [];
  readonly #log: PredictionLog | undefined;
  readonly #changes = new Changes(() => this.#living());
  #past: ServerSnapshot | undefined;
  #restarts = 0;
  #running = false;
  #stopping = false;
  #clean = true;
  #started: ((ready: MemberReady) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(options: SuperviseOptions, doorman: Doorman) {
    this.#options = options;
    this.#doorman = doorman;
    const { predictionLog, log } = options;
    if (predictionLog !== undefined) {
      this.#log = new PredictionLog({ onTrouble: (message) => log.warn(message), ...predictionLog });
    }
  }

  start(): Promise<MemberReady> {
    cluster.setupPrimary({ serialization: 'advanced' });
    return new Promise((resolve, reject) => {
      this.#started = resolve;
      this.#failed = reject;
      for (let number = 0; number < this.#options.workers; number++) this.#places.push(this.#fork(number));
    });
  }

  #fork(number: number): Place {
    const worker = cluster.fork();
    const place: Place = {
      number,
      worker,
      rpc: new Rpc<MemberMethods>(
        (message) => void worker.send(message),
        this.#methodsFor(() => place),
      ),
      taker: { send: (message, socket) => void worker.process.send(message, socket, { keepOpen: true }, ignore) },
      ready: undefined,
      counts: undefined,
      failures: 0,
      gone: false,
    };
    worker.on('message', (message) => {
      place.rpc.receive(message);
      this.#doorman.receive(message);
    });
    worker.on('error', (error) => this.#options.log.warn(`worker process ${worker.process.pid}: ${messageOf(error)}`));
    worker.on('exit', (code, signal) => this.#ended(place, code, signal));
    return place;
  }

  #methodsFor(place: () => Place): SupervisorMethods {
    return {
      hello: () => ({
        place: place().number,
        port: this.#doorman.port,
        ...this.#changes.state(),
      }),
      ready: (ready) => {
        place().ready = ready;
        this.#doorman.add(place().taker);
        const [first] = this.#places;
        if (this.#running) return this.#changes.bringUpToDate(place(), ready);
        if (first?.ready !== undefined && this.#places.every((one) => one.ready !== undefined)) {
          this.#running = true;
          this.#started?.(first.ready);
        }
        return undefined;
      },
      failed: (error) => {
        if (this.#running) this.#options.log.error(`server process ${place().number} cannot start: ${error.message}`);
        else this.#failed?.(received(error));
      },
      ...this.#changes.methods,
      snapshot: () => this.#snapshot(),
      counts: (counts) => {
        place().counts = counts;
        return { workers: this.#living().length, restarts: this.#restarts, logTrouble: this.#log?.trouble };
      },
      log: ({ lines, count }) => this.#log?.append(lines, count),
    };
  }

  #living(): Place[] {
    return this.#places.filter(({ ready, gone }) => ready !== undefined && !gone);
  }

  async #snapshot(): Promise<ServerSnapshot> {
    await Promise.all(
      this.#living().map(async (place) => {
        const counts = await Promise.race([
          place.rpc.call('snapshot', null).catch(() => undefined),
          delay(snapshotPatience, undefined, { ref: false }),
        ]);
        place.counts = counts ?? place.counts;
      }),
    );
    const parts = this.#places.flatMap(({ counts, gone }) => (counts === undefined || gone ? [] : [counts]));
    return mergeSnapshots([...parts, ...(this.#past === undefined ? [] : [this.#past]), this.#own()]);
  }

  /** This process: its memory and CPU belong to the server, and it writes the log. */
  #own(): ServerSnapshot {
    const log = this.#log;
    return {
      ...{ versions: [], models: [], http: new Map(), received: 0, sent: 0, pending: 0, threads: 0 },
      ...{ threadRestarts: 0, ready: false, workers: 0, workerRestarts: this.#restarts },
      log: log === undefined ? undefined : { logged: log.logged, dropped: log.dropped, sampledOut: 0 },
      process: { ...processNumbers(), started: Date.now() },
    };
  }

  #ended(place: Place, code: number | null, signal: string | null): void {
    place.gone = true;
    this.#doorman.remove(place.taker);
    place.rpc.end(new MlopsError('inference_thread_lost', 'a server process ended while it worked on this'));
    if (this.#stopping) {
      if (code !== 0) this.#clean = false;
      return;
    }
    const how = signal ?? `status ${code}`;
    if (place.counts !== undefined) {
      const past = countsOnly(place.counts);
      this.#past = this.#past === undefined ? past : mergeSnapshots([this.#past, past]);
    }
    if (!this.#running) this.#failed?.(new Error(`a server process ended with ${how} before it was ready`));
    else void this.#replace(place, how);
  }

  async #replace(place: Place, how: string): Promise<void> {
    this.#restarts++;
    this.#options.log.error(`server process ${place.worker.process.pid} ended with ${how}; it is started again`);
    // One that cannot even start is not tried again and again without a pause.
    const failures = place.ready === undefined ? place.failures + 1 : 0;
    if (failures > 0) await delay(Math.min(10_000, 100 * 2 ** failures), undefined, { ref: false });
    if (this.#stopping) return;
    const next = this.#fork(place.number);
    next.failures = failures;
    this.#places[place.number] = next;
  }

  async close(deadline: number): Promise<boolean> {
    this.#stopping = true;
    const ended = this.#places.map(({ worker, gone }) =>
      gone || worker.isDead()
        ? Promise.resolve()
        : new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
    for (const place of this.#places) if (place.ready === undefined && !place.gone) place.worker.process.kill();
    // Readiness first; load balancers and clients on their way learn of it late.
    await this.#tell('drain');
    await delay(Math.min(graceMs, deadline / 4));
    await this.#doorman.close(deadline);
    await this.#tell('stop');
    // They keep to the deadline themselves; this is for one that hangs.
    const patience = setTimeout(() => {
      this.#clean = false;
      for (const { worker } of this.#places) worker.process.kill('SIGKILL');
    }, deadline + 5_000);
    await Promise.all(ended);
    clearTimeout(patience);
    await this.#log?.close();
    return this.#clean;
  }

  async #tell(what: 'drain' | 'stop'): Promise<void> {
    await Promise.allSettled(this.#living().map(({ rpc }) => rpc.call(what, null)));
  }
}

/** A process that is gone takes nothing; its end is noticed elsewhere. */
function ignore(): void {}
