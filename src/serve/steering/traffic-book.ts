import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { messageOf, MlopsError, type Logger } from '../../base/index.ts';
import {
  clearRule,
  keptRule,
  ruleOf,
  setRule,
  type KeptRule,
  type RuleMotive,
  type RuleChange,
} from '../traffic/kept-rule.ts';
import { LiveRule, type Arm } from '../traffic/live-rule.ts';
import { readKnownRule } from '../traffic/rule.ts';
import type { Headers } from '../traffic/sticky.ts';
import type { Ledger } from '../running/ledger.ts';
import type { Repository } from '../running/repository.ts';
import type { ServedModel } from '../running/served-model.ts';
import { writeCounts, type ArmCounts, type ShadowCounts } from './traffic-counts.ts';
import { TrafficKeeper, type RuleDesk } from './traffic-keeper.ts';

export interface TrafficOptions {
  readonly repository: Repository;
  readonly ledger: Ledger;
  readonly desk: RuleDesk;
  /** What came of copies to a shadow. */
  readonly shadow?: ((rule: number) => ShadowCounts | undefined) | undefined;
  readonly log: Logger;
  /** Milliseconds between two looks for changed rules. */
  readonly interval?: number | undefined;
}

/** Milliseconds after which an arm that could not be loaded is tried again. */
const retryAfter = 5_000;
/** Milliseconds for which requests of a rule that holds no more are still counted under it. */
const aftermath = 60_000;

/**
 * The rules by which requests are divided here: followed from their store, so that all processes and servers hold the
 * same, with the versions of all arms loaded before a rule counts.
 */
export class TrafficBook {
  readonly #options: TrafficOptions;
  /** By the name under which a model is served. */
  readonly #live = new Map<string, LiveRule>();
  readonly #holder = randomUUID();
  /** Rules under which requests are or were just counted, with what was kept of that last. */
  readonly #counted = new Map<LiveRule, { readonly model: string; written: string; until: number }>();
  readonly #stop = new AbortController();
  readonly #keeper: TrafficKeeper;
  #seen = -1;
  #retryAt = Infinity;
  #looking: Promise<void> = Promise.resolve();
  #following: Promise<void> | undefined;
  #trouble = '';

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#keeper = new TrafficKeeper(options.desk, options.log);
  }

  /** The arm that a request falls into; undefined where no rule holds. */
  choose(model: string, headers: Headers): Arm | undefined {
    return this.#live.get(model)?.choose(headers);
  }

  /** Takes the requests away from an arm that could not answer. */
  failed(model: string, { index }: Arm, error: unknown): void {
    this.#live.get(model)?.mark(index, messageOf(error));
    this.#retryAt = Math.min(this.#retryAt, Date.now() + retryAfter);
  }

  /** The rule of a served model as it stands here. */
  live(model: string): LiveRule | undefined {
    return this.#live.get(model);
  }

  /** Follows the store until `close`. The first look is over when this resolves, whatever it found. */
  async start(): Promise<void> {
    await this.#lookQuietly();
    this.#following = this.#follow();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await delay(this.#options.interval ?? 300, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await this.#lookQuietly();
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await this.#looking.catch(() => undefined);
    await this.#keeper.close();
    await this.#writeCounts().catch((error: unknown) => this.#tell(error));
  }

  /** A store that cannot be reached changes nothing: the rules that are known hold on. */
  async #lookQuietly(): Promise<void> {
    try {
      await this.look();
      await this.#writeCounts();
      for (const live of this.#live.values()) await this.#keeper.tend(live);
      // What was moved on holds here at once.
      await this.look();
      this.#trouble = '';
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    const trouble = messageOf(error);
    if (trouble !== this.#trouble) this.#options.log.warn(`rules of traffic are not followed: ${trouble}`);
    this.#trouble = trouble;
  }

  /** Takes over what has changed in the store. */
  look(): Promise<void> {
    this.#looking = this.#looking.catch(() => undefined).then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { store } = this.#options.desk;
    const last = await store.lastChange();
    const retries = Date.now() >= this.#retryAt;
    if (last === this.#seen && !retries) return;
    if (retries) this.#retryAt = Infinity;
    const rules = new Map((await store.listRules()).map((change) => [change.model, this.#readable(change)]));
    for (const model of this.#options.repository.models.values()) {
      const { name, rules: keptAs } = model.spec;
      const kept = keptAs === undefined ? undefined : rules.get(keptAs);
      const live = this.#live.get(name);
      if (kept?.n !== live?.kept.n) await this.#install(model, kept);
      else if (live !== undefined && retries) await this.#load(model, live, true);
    }
    this.#seen = last;
  }

  /** A rule that a newer program set may be none that this one knows: its default version answers. */
  #readable(change: RuleChange): KeptRule | undefined {
    try {
      return keptRule(change);
    } catch (error) {
      this.#options.log.warn(`the rule of '${change.model}' is not understood: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Lets a rule hold once the versions of its arms are there; what cannot be loaded gets no requests. */
  async #install({ spec: { name } }: ServedModel, kept: KeptRule | undefined): Promise<void> {
    const { repository, log } = this.#options;
    this.#retire(name, kept);
    if (kept === undefined) {
      this.#live.delete(name);
      repository.keep(name, new Set());
      log.info(`'${name}': no rule divides its requests any more`);
      return;
    }
    const live = new LiveRule(name, kept);
    const versions = new Set(kept.rule.arms.map(({ version }) => version));
    const before = this.#live.get(name)?.kept.rule.arms ?? [];
    repository.keep(name, new Set([...versions, ...before.map(({ version }) => version)]));
    await this.#load(repository.model(name), live);
    this.#live.set(name, live);
    this.#counted.set(live, { model: name, written: '', until: Infinity });
    repository.keep(name, versions);
    log.info(
      `'${name}': a ${kept.rule.kind} of ${kept.rule.arms.map((arm) => arm.name).join(', ')} divides its requests`,
    );
  }

  #retire(model: string, next: KeptRule | undefined): void {
    const live = this.#live.get(model);
    // A canary that went a step on is still counted as the same.
    if (live !== undefined && live.kept.since === next?.since) this.#counted.delete(live);
    const counted = live === undefined ? undefined : this.#counted.get(live);
    if (counted !== undefined) counted.until = Date.now() + aftermath;
  }

  async #load({ spec, state }: ServedModel, live: LiveRule, again = false): Promise<void> {
    const { repository, log } = this.#options;
    // One that was unloaded by request stays so.
    if (state === 'UNAVAILABLE') return;
    for (const { arm, trouble } of live.arms) {
      if (again && trouble === undefined) continue;
      try {
        await repository.version(spec.name, arm.version);
        live.mark(arm.index, undefined);
      } catch (error) {
        this.#retryAt = Date.now() + retryAfter;
        live.mark(arm.index, messageOf(error));
        if (!again) log.warn(`'${spec.name}': the arm '${arm.name}' gets no requests: ${messageOf(error)}`);
      }
    }
  }

  /** The rule of a model as it is kept. @throws MlopsError `model_not_found`. */
  async rule(model: string | undefined): Promise<{ readonly name: string; readonly kept: KeptRule | undefined }> {
    const { name, rules } = this.#options.repository.model(model).spec;
    return { name, kept: rules === undefined ? undefined : await ruleOf(this.#options.desk.store, rules) };
  }

  /** Sets a rule for all servers; it holds here when this resolves. @throws MlopsError `invalid_value`, which changes nothing. */
  async set(model: string | undefined, value: unknown, motive: RuleMotive): Promise<void> {
    const { repository, desk } = this.#options;
    const { spec } = repository.model(model);
    const rule = await readKnownRule(value, (version) => repository.resolve(spec.name, version));
    await setRule(desk.store, keptAs(spec.rules, spec.name), rule, motive);
    await this.look();
  }

  async clear(model: string | undefined, motive: RuleMotive): Promise<void> {
    const { repository, desk } = this.#options;
    const { spec } = repository.model(model);
    await clearRule(desk.store, keptAs(spec.rules, spec.name), motive);
    await this.look();
  }

  /** Keeps what was counted under the rules that hold, where that is more than before. */
  async #writeCounts(): Promise<void> {
    const { ledger, desk, shadow } = this.#options;
    const counts = [];
    for (const [live, counted] of this.#counted) {
      const { model, until } = counted;
      const { since } = live.kept;
      const arms = live.arms.map(({ arm, trouble }): ArmCounts => {
        return { name: arm.name, trouble, stats: ledger.of(model, arm.version, arm.name, since) };
      });
      const body = writeCounts(arms, shadow?.(since));
      if (until < Date.now()) this.#counted.delete(live);
      if (counted.written === body) continue;
      counted.written = body;
      counts.push({ rule: since, holder: `${this.#holder}/${model}`, body });
    }
    if (counts.length > 0) await desk.store.putCounts(counts);
  }
}

/** @throws MlopsError `bad_request` for a model that is in no registry. */
function keptAs(rules: string | undefined, name: string): string {
  if (rules !== undefined) return rules;
  throw new MlopsError('bad_request', `'${name}' is not served from the registry, where rules of traffic are kept`, {
    hint: 'register it with `mlops models register`, and serve models:/NAME',
  });
}
