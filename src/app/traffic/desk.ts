import type { KeptRule, RuleDesk } from '../../serve/index.ts';
import { meansPromotion, requireGates, type TrackingStore } from '../../tracking/index.ts';
import { findGates, readGates } from '../quality/gates-file.ts';
import { promoteThroughGates } from '../quality/promote-through-gates.ts';
import { outcomesOf } from './outcomes.ts';

export interface DeskOptions {
  readonly cwd: string;
  /** Folder of the prediction log; undefined: nothing is logged, so that no feedback comes. */
  readonly log: string | undefined;
}

/** What a server of the registry has for rules. */
export function ruleDesk(store: TrackingStore, { cwd, log }: DeskOptions): RuleDesk {
  return {
    store: store.traffic,
    outcomes: log === undefined ? undefined : (kept) => outcomesOf(log, kept, new Set()),
    promote: (kept) => promoteCanary(store, kept, { cwd, log: log ?? '' }),
  };
}

/**
 * Gives the version of a canary what the old one has: its stage, through the gates of `models promote`, and its aliases.
 *
 * @throws MlopsError `gate_failed`.
 */
async function promoteCanary(
  store: TrackingStore,
  { model, rule }: KeptRule,
  places: { readonly cwd: string; readonly log: string },
): Promise<void> {
  const [old, fresh] = rule.arms;
  if (old === undefined || fresh === undefined || old.version === fresh.version) return;
  const why = `the canary '${fresh.name}' came through all steps`;
  const before = await store.getModelVersion(model, old.version);
  const after = await store.getModelVersion(model, fresh.version);
  const moved = before.aliases.filter((alias) => !after.aliases.includes(alias));
  // Who promotes by an alias asks for the same gates.
  if (moved.some(meansPromotion)) requireGates(await store.getRegisteredModel(model), after, 'Production');
  if (before.stage === 'Production' || before.stage === 'Staging') {
    const file = findGates(places.cwd);
    await promoteThroughGates(
      store,
      { name: model, selector: fresh.version },
      {
        ...{ stage: before.stage, archiveExisting: true, by: 'mlops traffic', why, require: [], orNone: false },
        ...{ betterThan: undefined, on: undefined, override: undefined },
        gates: file === undefined ? undefined : readGates(places.cwd, file),
        places: { ...places, withStore: (work) => work(store) },
      },
    );
  }
  for (const alias of moved) await store.setAlias(model, alias, fresh.version, { by: 'mlops traffic', why });
}
