import { isMlopsError, messageOf, type Logger } from '../../base/index.ts';
import { epsilonShares, thompsonShares } from '../../monitor/index.ts';
import { decideCanary } from '../traffic/canary.ts';
import { moveRule, type KeptRule, type RuleStore } from '../traffic/kept-rule.ts';
import type { LiveRule } from '../traffic/live-rule.ts';
import { readCounts } from './traffic-counts.ts';

/** Values of outcomes that feedback brought, by metric: a list for each arm. */
export type Outcomes = ReadonlyMap<string, readonly (readonly number[])[]>;

/** What a server has for rules, beside their store. */
export interface RuleDesk {
  readonly store: RuleStore;
  /** What feedback says of the arms of a rule; absent: nothing is known of it. */
  readonly outcomes?: ((kept: KeptRule) => Promise<Outcomes>) | undefined;
  /**
   * Promotes the version of a canary that came through.
   * @throws MlopsError `gate_failed`, or what else stands against it.
   */
  readonly promote?: ((kept: KeptRule) => Promise<void>) | undefined;
}

/** Outcomes are read again after so many times the time that this took, in milliseconds at least. */
const pause = { times: 10, least: 1_000 };
/** Milliseconds after which a promotion that another server began is taken for lost with it. */
const promotionPatience = 60_000;

/** Moves rules on: canaries by what was counted, those that learn by their outcomes. All servers try, one wins. */
export class TrafficKeeper {
  readonly #desk: RuleDesk;
  readonly #log: Logger;
  /** By rule, until when they are good enough. */
  readonly #outcomes = new Map<number, { readonly found: Outcomes; readonly until: number }>();
  #promoting: Promise<void> | undefined;

  constructor(desk: RuleDesk, log: Logger) {
    this.#desk = desk;
    this.#log = log;
  }

  async tend(live: LiveRule): Promise<void> {
    const { kept } = live;
    if (kept.rule.kind === 'canary') await this.#tendCanary(kept);
    else if (kept.rule.kind === 'thompson' || kept.rule.kind === 'epsilon') await this.#teach(live);
  }

  /** A promotion under way is waited for. */
  async close(): Promise<void> {
    await this.#promoting;
  }

  async #teach(live: LiveRule): Promise<void> {
    const { rule } = live.kept;
    const [values] = (await this.#outcomesOf(live.kept)).values();
    if (values === undefined) return;
    live.learn(rule.kind === 'thompson' ? thompsonShares(values) : epsilonShares(values, rule.share ?? 0.1));
  }

  async #outcomesOf(kept: KeptRule): Promise<Outcomes> {
    const known = this.#outcomes.get(kept.since);
    if (known !== undefined && Date.now() < known.until) return known.found;
    const started = Date.now();
    const found = (await this.#desk.outcomes?.(kept)) ?? new Map();
    const ended = Date.now();
    this.#outcomes.clear();
    this.#outcomes.set(kept.since, { found, until: ended + Math.max(pause.least, pause.times * (ended - started)) });
    return found;
  }

  async #tendCanary(kept: KeptRule): Promise<void> {
    const { rule, state, since } = kept;
    if (state.ended !== undefined || this.#promoting !== undefined) return;
    const { store } = this.#desk;
    const { arms } = readCounts(await store.listCounts(since));
    const totals = rule.arms.map(({ name }) => arms.get(name));
    const counts = totals.map((total) => (total === undefined ? 0 : total.stats.success + total.stats.failure));
    const metric = rule.rollback?.metric;
    const outcomes = metric === undefined ? undefined : (await this.#outcomesOf(kept)).get(metric);
    const p95 = totals[1]?.stats.latency.quantile(0.95);
    const decision = decideCanary(kept, {
      requests: counts.reduce((sum, count) => sum + count, 0),
      canary: {
        requests: counts[1] ?? 0,
        errors: totals[1]?.stats.failure ?? 0,
        p95: p95 === undefined ? undefined : p95 * 1000,
        trouble: totals[1]?.troubles.at(-1),
        values: outcomes?.[1] ?? [],
      },
      now: Date.now(),
    });
    if (decision === undefined) return;
    if (decision.kind === 'step') await moveRule(store, kept, 'step', decision.state, decision.why);
    else if (decision.kind === 'rollback') await this.#end(kept, 'rollback', decision.why);
    else await this.#finish(kept);
  }

  /** Who notes first that the steps are done promotes; the requests go on as in the last step. */
  async #finish(kept: KeptRule): Promise<void> {
    const { state, rule } = kept;
    const steps = rule.steps?.length ?? 0;
    if (state.step >= steps && Date.now() - state.began < promotionPatience) return;
    const next = { step: steps, began: Date.now(), before: state.before };
    const own = await moveRule(this.#desk.store, kept, 'step', next, 'all steps are done');
    if (own === undefined) return;
    this.#promoting = this.#promote(own).finally(() => (this.#promoting = undefined));
  }

  async #promote(kept: KeptRule): Promise<void> {
    try {
      await this.#desk.promote?.(kept);
      await this.#end(kept, 'promote', 'it came through all steps');
    } catch (error) {
      if (isMlopsError(error, 'gate_failed') || isMlopsError(error, 'usage') || isMlopsError(error, 'invalid_value')) {
        await this.#end(kept, 'rollback', `it was not promoted: ${messageOf(error)}`).catch((late: unknown) =>
          this.#log.warn(`'${kept.model}': ${messageOf(late)}`),
        );
      } else this.#log.warn(`'${kept.model}': the canary is not promoted yet: ${messageOf(error)}`);
    }
  }

  async #end(kept: KeptRule, ended: 'rollback' | 'promote', why: string): Promise<void> {
    const moved = await moveRule(this.#desk.store, kept, ended, { ...kept.state, ended, why }, why);
    if (moved === undefined) return;
    const version = kept.rule.arms[1]?.version ?? '';
    const what = ended === 'promote' ? 'is promoted' : 'is taken back';
    this.#log.info(`'${kept.model}': the canary, version ${version}, ${what}: ${why}`);
  }
}
