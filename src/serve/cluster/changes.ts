import type { ModelRef } from '../models/model-source.ts';
import type { MemberMethods, MemberReady, MemberState, SupervisorMethods } from './protocol.ts';
import type { Rpc } from './rpc.ts';

/** A process in which changes are made. */
export interface Party {
  readonly rpc: Rpc<MemberMethods>;
  /** It has ended: what it failed at does not count, the next one in its place gets the new state. */
  readonly gone: boolean;
}

/**
 * Changes of a server of several processes: made in all of them or in none, one after the other, and remembered for
 * those that start later.
 */
export class Changes {
  readonly #parties: () => readonly Party[];
  readonly #loaded = new Map<string, ModelRef>();
  readonly #unloaded = new Map<string, string | undefined>();
  readonly #added = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param parties those that run now. */
  constructor(parties: () => readonly Party[]) {
    this.#parties = parties;
  }

  /** What a process that starts has to know. */
  state(): Pick<MemberState, 'loaded' | 'unloaded' | 'added'> {
    return { loaded: [...this.#loaded], unloaded: [...this.#unloaded], added: [...this.#added] };
  }

  /** What a process may ask for. */
  readonly methods: Pick<SupervisorMethods, 'load' | 'unload' | 'add'> = {
    load: (params) => this.#inTurn(() => this.#load(params)),
    unload: ({ name, reason }) =>
      this.#inTurn(async () => {
        this.#loaded.delete(name);
        this.#unloaded.set(name, reason);
        await this.#everywhere((rpc) => rpc.call('unload', { name, reason }));
      }),
    add: ({ name, source }) =>
      this.#inTurn(async () => {
        this.#added.set(name, source);
        await this.#everywhere((rpc) => rpc.call('add', { name, source }));
      }),
  };

  /** Makes the changes in a process that were made while it started. */
  bringUpToDate({ rpc }: Party, { models }: MemberReady): Promise<void> {
    return this.#inTurn(async () => {
      for (const [name, source] of this.#added) await rpc.call('add', { name, source });
      for (const [name, ref] of this.#loaded) {
        const has = models.find((model) => model.name === name)?.version;
        if (has !== ref.version) await rpc.call('commit', { name, ref });
      }
      for (const [name, reason] of this.#unloaded) await rpc.call('unload', { name, reason });
    });
  }

  /** One change after the other: two loads of one model must not end differently in different processes. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #load(params: { readonly name: string; readonly ref: ModelRef }): Promise<void> {
    const { name, ref } = params;
    try {
      await this.#everywhere((rpc) => rpc.call('prepare', params));
    } catch (error) {
      await this.#everywhere((rpc) => rpc.call('discard', { name, version: ref.version })).catch(() => undefined);
      throw error;
    }
    this.#loaded.set(name, ref);
    this.#unloaded.delete(name);
    await this.#everywhere((rpc) => rpc.call('commit', params));
  }

  async #everywhere(ask: (rpc: Rpc<MemberMethods>) => Promise<void>): Promise<void> {
    const parties = this.#parties();
    const results = await Promise.allSettled(parties.map(({ rpc }) => ask(rpc)));
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected' && parties[i]?.gone === false) throw result.reason;
    }
  }
}
