import { MlopsError } from '../../base/index.ts';
import { readRule, type TrafficRule } from './rule.ts';

/** A change of a model's rule, as a store keeps it. */
export interface RuleChange {
  /** Grows with each change in the store. */
  readonly n: number;
  readonly model: string;
  readonly kind: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
  readonly why: string;
  readonly body: string | undefined;
}

export interface RuleCounts {
  /** The number of the change that set the rule. */
  readonly rule: number;
  readonly holder: string;
  readonly body: string;
}

/** Port: where rules are kept for all servers of a registry. */
export interface RuleStore {
  lastChange(): Promise<number>;
  /** The newest change of each model. */
  listRules(): Promise<readonly RuleChange[]>;
  history(model: string): Promise<readonly RuleChange[]>;
  /** @returns undefined where the newest change is not the one that was seen. */
  change(change: Omit<RuleChange, 'n'>, seen?: number): Promise<RuleChange | undefined>;
  putCounts(counts: readonly RuleCounts[]): Promise<void>;
  listCounts(rule: number): Promise<readonly RuleCounts[]>;
}

/** How far a canary has come. */
export interface RuleState {
  /** The step it is at. */
  readonly step: number;
  /** When that began, in milliseconds since 1970, and how many requests there had been. */
  readonly began: number;
  readonly before: number;
  /** Set once it is over, with why: all requests go to the old arm, or to the new one. */
  readonly ended?: 'rollback' | 'promote';
  readonly why?: string;
}

/** A rule that holds. */
export interface KeptRule extends Omit<RuleChange, 'body'> {
  /** The number of the change that set it, by which it is counted. */
  readonly since: number;
  readonly setAt: number;
  readonly rule: TrafficRule;
  readonly state: RuleState;
}

/** Who changes a rule, and why. */
export interface RuleMotive {
  readonly by: string;
  readonly why?: string | undefined;
}

/** What a change says; undefined where no rule holds after it. */
export function keptRule(change: RuleChange | undefined): KeptRule | undefined {
  if (change?.body === undefined) return undefined;
  const { body, ...facts } = change;
  const {
    rule,
    since = change.n,
    setAt = change.at,
    state,
  } = JSON.parse(body) as {
    rule: unknown;
    since?: number;
    setAt?: number;
    state?: RuleState;
  };
  return { ...facts, since, setAt, rule: readRule(rule), state: state ?? { step: 0, began: change.at, before: 0 } };
}

/** The rule that holds for a model. */
export async function ruleOf(store: RuleStore, model: string): Promise<KeptRule | undefined> {
  return keptRule((await store.history(model)).at(-1));
}

/** Sets a rule, which begins anew where it is the same. */
export async function setRule(
  store: RuleStore,
  model: string,
  rule: TrafficRule,
  motive: RuleMotive,
): Promise<KeptRule> {
  const { by, why = '' } = motive;
  const done = await store.change({ model, kind: 'set', at: Date.now(), by, why, body: JSON.stringify({ rule }) });
  const kept = keptRule(done);
  if (kept === undefined) throw new MlopsError('store_busy', `the rule of '${model}' could not be set`);
  return kept;
}

/** Takes a rule away. @returns whether there was one. */
export async function clearRule(store: RuleStore, model: string, { by, why = '' }: RuleMotive): Promise<boolean> {
  const last = (await store.history(model)).at(-1);
  if (last?.body === undefined) return false;
  await store.change({ model, kind: 'clear', at: Date.now(), by, why, body: undefined });
  return true;
}

/** Moves a rule on. @returns undefined where it was changed meanwhile. */
export async function moveRule(
  store: RuleStore,
  { n, model, rule, since, setAt }: KeptRule,
  kind: 'step' | 'rollback' | 'promote',
  state: RuleState,
  why: string,
): Promise<KeptRule | undefined> {
  const body = JSON.stringify({ rule, since, setAt, state });
  return keptRule(await store.change({ model, kind, at: Date.now(), by: 'mlops', why, body }, n));
}
