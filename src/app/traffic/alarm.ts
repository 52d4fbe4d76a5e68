import { keptRule, readCounts } from '../../serve/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { TrafficFacts } from '../monitor/observe.ts';
import { mismatchOf } from './report.ts';

/** What is wrong with the rule of a model; undefined where none holds. */
export async function trafficFacts(store: TrackingStore, model: string): Promise<TrafficFacts | undefined> {
  const history = await store.traffic.history(model);
  const kept = keptRule(history.at(-1));
  if (kept === undefined) return undefined;
  const { arms } = readCounts(await store.traffic.listCounts(kept.since));
  return {
    mismatch: mismatchOf(kept, arms, history),
    takenBack: kept.state.ended === 'rollback' ? (kept.state.why ?? '') : undefined,
    stuck: [...arms].flatMap(([name, { troubles }]) =>
      troubles.length === 0 ? [] : [`'${name}': ${troubles.join(', ')}`],
    ),
  };
}
