import type { KeptRule } from './kept-rule.ts';
import type { TrafficRule } from './rule.ts';
import { keyFinder, placeOf, type FindKey, type Headers } from './sticky.ts';

/** The side of a rule that a request fell into. */
export interface Arm {
  readonly name: string;
  readonly version: string;
  /** The rule by which it is counted: the number of the change that set it. */
  readonly rule: number;
  /** Its place in the rule. */
  readonly index: number;
  /** Of a live arm: where some of its requests are copied to. */
  readonly copy?: { readonly arm: Arm; readonly share: number };
}

/** An arm as it stands in this process. */
export interface ArmState {
  readonly arm: Arm;
  /** Why it gets no requests. */
  trouble: string | undefined;
}

/** A rule in this process: chooses the arm of each request. */
export class LiveRule {
  readonly kept: KeptRule;
  readonly arms: readonly ArmState[];
  /** The share of each arm, as the rule wants it now. */
  shares: readonly number[];
  readonly #model: string;
  readonly #keyOf: FindKey | undefined;
  /** Sums of the shares of arms up to each. */
  #wanted: readonly number[];
  #able: readonly number[];

  constructor(model: string, kept: KeptRule) {
    this.#model = model;
    this.kept = kept;
    this.arms = armsOf(kept).map((arm) => ({ arm, trouble: undefined }));
    this.#keyOf = keyFinder(kept.rule);
    this.shares = sharesOf(kept);
    this.#wanted = sums(this.shares);
    this.#able = this.#wanted;
  }

  /** Gives the arms other shares: for rules that learn. */
  learn(shares: readonly number[]): void {
    this.shares = shares;
    this.#wanted = sums(shares);
    this.#able = this.#ableSums();
  }

  /** Says that an arm cannot answer, or that it can again. */
  mark(index: number, trouble: string | undefined): void {
    const state = this.arms[index];
    if (state === undefined || state.trouble === trouble) return;
    state.trouble = trouble;
    this.#able = this.#ableSums();
  }

  #ableSums(): readonly number[] {
    return sums(this.shares.map((share, i) => (this.arms[i]?.trouble === undefined ? share : 0)));
  }

  /** Undefined where no arm can answer. */
  choose(headers: Headers): Arm | undefined {
    const key = this.#keyOf?.(headers);
    const state = this.#at(this.#wanted, key, 0);
    if (state === undefined || state.trouble === undefined) return state?.arm;
    // Only the requests of the arm that cannot answer go elsewhere.
    return this.#at(this.#able, key, 1)?.arm;
  }

  #at(bounds: readonly number[], key: string | undefined, turn: number): ArmState | undefined {
    const total = bounds.at(-1) ?? 0;
    const place = (key === undefined ? Math.random() : placeOf(this.#model, key, turn)) * total;
    for (let i = 0; i < bounds.length; i++) if (place < (bounds[i] ?? 0)) return this.arms[i];
    return undefined;
  }
}

function armsOf({ rule, since }: KeptRule): Arm[] {
  const arms = rule.arms.map(({ name, version }, index): Arm => ({ name, version, rule: since, index }));
  const [live, shadow] = arms;
  if (rule.kind !== 'shadow' || live === undefined || shadow === undefined) return arms;
  return [{ ...live, copy: { arm: shadow, share: rule.share ?? 1 } }, shadow];
}

/** The share of requests that each arm is to get; their sum is 1. */
export function sharesOf({ rule, state }: Pick<KeptRule, 'rule' | 'state'>): readonly number[] {
  if (rule.kind === 'shadow') return [1, 0];
  if (rule.kind === 'canary') {
    const share = canaryShare(rule, state);
    return [1 - share, share];
  }
  const total = rule.arms.reduce((sum, { weight = 1 }) => sum + weight, 0);
  return rule.arms.map(({ weight = 1 }) => weight / total);
}

function canaryShare({ arms, steps }: TrafficRule, { step, ended }: KeptRule['state']): number {
  if (ended !== undefined) return ended === 'promote' ? 1 : 0;
  const now = steps?.[Math.min(step, steps.length - 1)];
  if (now !== undefined) return now.percent / 100;
  const [old, fresh] = arms;
  if (old?.weight === undefined && fresh?.weight === undefined) return 0.1;
  const [a, b] = [old?.weight ?? 1, fresh?.weight ?? 1];
  return b / (a + b);
}

function sums(shares: readonly number[]): readonly number[] {
  let sum = 0;
  return shares.map((share) => (sum += share));
}
