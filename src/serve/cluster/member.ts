import cluster from 'node:cluster';
import { Socket } from 'node:net';

import { attach, type Listening, type ListenOptions, type Shell } from '../../http/index.ts';
import type { Control } from './control.ts';
import { addFrom } from './control.ts';
import type { ModelSource } from '../models/model-source.ts';
import type { Repository } from '../running/repository.ts';
import type { ServedVersion } from '../running/served-version.ts';
import type { ServerSnapshot } from '../numbers/snapshot.ts';
import { SharedLog, type SharedLogOptions } from './shared-log.ts';
import type {
  ConnectionMessage,
  MemberMethods,
  MemberState,
  TakenMessage,
  SupervisorMethods,
  SupervisorState,
} from './protocol.ts';
import { Rpc, sent } from './rpc.ts';

/** How often the supervisor gets our numbers, in milliseconds: what a process that is killed may lose of them. */
const countsInterval = 1_000;

/** What a member does when it is told to, once its server stands. */
export interface MemberDuties {
  readonly repository: Repository;
  readonly growing: readonly ModelSource[];
  snapshot(): ServerSnapshot;
  drain(): void;
}

/** What is told of a server that is ready. */
export interface MemberServer {
  readonly repository: Repository;
  readonly failures: readonly { readonly name: string; readonly error: unknown }[];
}

/** Messages to the supervising process and from it. */
export interface Line {
  send(message: unknown): void;
  listen(take: (message: unknown) => void): void;
}

/** One of the processes of a server, seen from inside: the line to the supervising process. */
export class Member {
  readonly state: MemberState;
  /** What the supervisor said last. */
  supervisor: SupervisorState = { workers: 1, restarts: 0, logTrouble: undefined };
  readonly #rpc: Rpc<SupervisorMethods>;
  readonly #duties: { current: MemberDuties | undefined };
  #timer: NodeJS.Timeout | undefined;

  private constructor(rpc: Rpc<SupervisorMethods>, duties: { current: MemberDuties | undefined }, state: MemberState) {
    this.#rpc = rpc;
    this.#duties = duties;
    this.state = state;
  }

  /** Joins the server that started this process; `stop` is called when it is to end. Undefined in any other process. */
  static async join(stop: () => void): Promise<Member | undefined> {
    if (!cluster.isWorker || process.send === undefined) return undefined;
    const send = (message: unknown): void => void process.send?.(message);
    return Member.over({ send, listen: (take) => process.on('message', take) }, stop);
  }

  /** Joins over a line of messages. */
  static async over(line: Line, stop: () => void): Promise<Member> {
    const duties: { current: MemberDuties | undefined } = { current: undefined };
    const rpc = new Rpc<SupervisorMethods>((message) => line.send(message), methodsOf(duties, stop));
    line.listen((message) => rpc.receive(message));
    return new Member(rpc, duties, await rpc.call('hello', null));
  }

  /** Takes part: answers what the supervisor asks. */
  serve(duties: MemberDuties): Control {
    this.#duties.current = duties;
    this.#timer = setInterval(() => {
      this.#rpc.call('counts', duties.snapshot()).then(
        (state) => (this.supervisor = state),
        () => undefined,
      );
    }, countsInterval);
    this.#timer.unref();
    return new MemberControl(this.#rpc, duties);
  }

  /** Takes the connections that the supervisor hands over, as a server that listens does. */
  async listen(shell: Shell, { host }: ListenOptions): Promise<Listening> {
    const attached = await attach(shell);
    process.on('message', (message: ConnectionMessage | null, handle) => {
      if (message?.mlops !== 'connection') return;
      process.send?.({ mlops: 'taken', id: message.id } satisfies TakenMessage);
      if (handle instanceof Socket) attached.take(handle);
    });
    const { port } = this.state;
    return {
      host,
      port,
      url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
      close: (deadline) => attached.close(deadline),
    };
  }

  /** Says that requests can come, and what of the start failed. */
  async ready(server: MemberServer): Promise<void> {
    const { repository, failures } = server;
    await this.#rpc.call('ready', {
      models: [...repository.models.values()].map(({ spec, current }) => ({
        name: spec.name,
        version: current?.ref.version,
      })),
      failures: failures.map(({ name, error }) => ({ name, error: sent(error) })),
    });
  }

  failed(error: unknown): Promise<void> {
    return this.#rpc.call('failed', sent(error));
  }

  /** The prediction log that the supervisor writes. */
  log(options: SharedLogOptions): SharedLog {
    const write = (lines: string, count: number): Promise<void> => this.#rpc.call('log', { lines, count });
    return new SharedLog(write, () => this.supervisor.logTrouble, options);
  }

  leave(): void {
    clearInterval(this.#timer);
  }
}

function methodsOf(duties: { current: MemberDuties | undefined }, stop: () => void): MemberMethods {
  const now = (): MemberDuties => {
    if (duties.current === undefined) throw new Error('this process is still starting');
    return duties.current;
  };
  return {
    prepare: async ({ name, ref }) => void (await now().repository.prepare(name, () => ref)),
    commit: async ({ name, ref }) => {
      const { repository } = now();
      // What was prepared may have been unloaded meanwhile.
      repository.activate(name, await repository.prepare(name, () => ref));
    },
    discard: ({ name, version }) => now().repository.discard(name, version),
    unload: ({ name, reason }) => now().repository.unload(name, reason),
    add: ({ name, source }) => addFrom(now().repository, now().growing, name, source),
    snapshot: () => now().snapshot(),
    drain: () => now().drain(),
    stop,
  };
}

/** Changes go through the supervisor, which makes them everywhere, here too. */
class MemberControl implements Control {
  readonly #rpc: Rpc<SupervisorMethods>;
  readonly #duties: MemberDuties;

  constructor(rpc: Rpc<SupervisorMethods>, duties: MemberDuties) {
    this.#rpc = rpc;
    this.#duties = duties;
  }

  async load(name: string | undefined, selector?: string): Promise<ServedVersion> {
    const { repository } = this.#duties;
    const model = repository.model(name);
    const ref = await repository.resolve(name, selector);
    await this.#rpc.call('load', { name: model.spec.name, ref });
    return model.versions.get(ref.version) ?? repository.prepare(name, () => ref);
  }

  async unload(name: string, reason?: string): Promise<void> {
    this.#duties.repository.model(name);
    await this.#rpc.call('unload', { name, reason });
  }

  add(name: string, source: number): Promise<void> {
    return this.#rpc.call('add', { name, source });
  }

  snapshot(): Promise<ServerSnapshot> {
    return this.#rpc.call('snapshot', null);
  }
}
