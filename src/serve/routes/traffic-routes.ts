import type { Request, Shell } from '../../http/index.ts';
import type { TrafficBook } from '../steering/traffic-book.ts';
import { parseJson } from '../wire/json-reader.ts';
import type { VersionQuery } from './binding.ts';

const ruleLimit = 64 * 1024;

/**
 * `GET`, `PUT` and `DELETE /admin/traffic`: the rule that divides the requests for a model. A refused rule changes
 * nothing.
 */
export function addTrafficRoutes(shell: Shell, traffic: TrafficBook): void {
  const admin = { bodyLimit: ruleLimit, config: { scope: 'admin' as const } };
  const modelOf = (request: Request): string | undefined => (request.query as VersionQuery).model;
  const motive = { by: 'http' };
  shell.get('/admin/traffic', admin, (request) => describe(traffic, modelOf(request)));
  shell.put('/admin/traffic', admin, async (request) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    await traffic.set(modelOf(request), parseJson(body, false, request.headers['content-type']), motive);
    return describe(traffic, modelOf(request));
  });
  shell.delete('/admin/traffic', admin, async (request) => {
    await traffic.clear(modelOf(request), motive);
    return describe(traffic, modelOf(request));
  });
}

/** The rule as it is kept, and how its arms stand in the process that answers. */
async function describe(traffic: TrafficBook, model: string | undefined) {
  const { name, kept } = await traffic.rule(model);
  const live = traffic.live(name);
  if (kept === undefined) return { model: name, rule: null, arms: [] };
  return {
    model: name,
    kind: kept.rule.kind,
    arms: kept.rule.arms.map((arm, i) => {
      const trouble = live?.arms[i]?.trouble;
      return {
        ...arm,
        share: live?.shares[i] ?? null,
        state: trouble === undefined ? 'READY' : 'FAILED',
        ...(trouble === undefined ? {} : { reason: trouble }),
      };
    }),
    rule: kept.rule,
    set_at: new Date(kept.setAt).toISOString(),
    by: kept.by,
    ...(kept.state.ended === undefined ? {} : { ended: kept.state.ended, why: kept.state.why ?? '' }),
  };
}
