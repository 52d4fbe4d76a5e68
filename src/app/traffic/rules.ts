import { isMlopsError, MlopsError } from '../../base/index.ts';
import {
  keptRule,
  readKnownRule,
  ruleOf,
  setRule,
  sharesOf,
  type KeptRule,
  type RuleMotive,
} from '../../serve/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { modelNamed } from '../registry/resolve-model.ts';

/**
 * Sets the rule by which requests for a registered model are divided; a refused one changes nothing.
 *
 * @throws MlopsError `invalid_value` for a bad rule or an unknown version, `resource_missing` for an unknown model.
 */
export async function setTraffic(
  store: TrackingStore,
  word: string,
  value: unknown,
  motive: RuleMotive,
): Promise<KeptRule> {
  const { name } = await modelNamed(store, word);
  const rule = await readKnownRule(value, (version) => store.getModelVersion(name, version));
  return setRule(store.traffic, name, rule, motive);
}

/** The rule of a model. @throws MlopsError `resource_missing` where it has none. */
export async function needRule(store: TrackingStore, word: string): Promise<KeptRule> {
  const name = await ruledName(store, word);
  const kept = await ruleOf(store.traffic, name);
  if (kept !== undefined) return kept;
  throw new MlopsError('resource_missing', `no rule divides the requests for '${name}'`, {
    hint: `set one: mlops traffic set ${name} --rule '{"kind": "split", "arms": [...]}'`,
  });
}

/** A model that is gone still has its history. */
export async function ruledName(store: TrackingStore, word: string): Promise<string> {
  try {
    return (await modelNamed(store, word)).name;
  } catch (error) {
    if (isMlopsError(error) && (await store.traffic.history(word)).length > 0) return word;
    throw error;
  }
}

/** A rule as it is shown. */
export function ruleJson(kept: KeptRule) {
  const { model, rule, setAt, by, why, state, since } = kept;
  const shares = sharesOf(kept);
  return {
    model,
    kind: rule.kind,
    arms: rule.arms.map((arm, i) => ({ ...arm, share: shares[i] ?? null })),
    rule,
    since,
    set_at: new Date(setAt).toISOString(),
    by,
    why,
    ...(rule.kind === 'canary' ? { step: state.step } : {}),
    ...(state.ended === undefined ? {} : { ended: state.ended, because: state.why ?? '' }),
  };
}

/** Who changed the rule of a model, when and why: the oldest first. */
export async function trafficHistory(store: TrackingStore, word: string) {
  const changes = await store.traffic.history(await ruledName(store, word));
  return changes.map((change) => {
    const { n, kind, at, by, why } = change;
    return { n, kind, at: new Date(at).toISOString(), by, why, rule: keptRule(change)?.rule ?? null };
  });
}
