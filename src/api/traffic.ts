import { invalid } from '../mlflow/index.ts';
import type { TrackingStore, TrafficStore } from '../tracking/index.ts';
import type { ApiRoute } from './route.ts';

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isSafeInteger(value);
const isAbsent: Check = (value) => value === undefined;
const holds =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([key, check]) => check((value as Record<string, unknown>)[key]));

const isChange = holds({
  ...{ model: isText, kind: isText, at: isNumber, by: isText, why: isText },
  body: (value) => isText(value) || isAbsent(value),
});
const isCounts = holds({ rule: isNumber, holder: isText, body: isText });

/** What each method is called with. */
const reads: Readonly<Record<string, readonly Check[]>> = {
  lastChange: [],
  listRules: [],
  history: [isText],
  listCounts: [isNumber],
};
const writes: Readonly<Record<string, readonly Check[]>> = {
  change: [isChange, (value) => isAbsent(value) || isNumber(value)],
  putCounts: [(value) => Array.isArray(value) && value.every(isCounts)],
};

/** Rules of traffic for other machines: the methods of the store, by name. */
export function trafficRoutes({ traffic }: Pick<TrackingStore, 'traffic'>): readonly ApiRoute[] {
  const route = (kind: 'read' | 'write', known: typeof reads): ApiRoute => ({
    method: 'POST',
    path: `/mlops-traffic/${kind}`,
    scope: kind,
    async answer(fields) {
      const method = fields.need('method');
      const checks = Object.hasOwn(known, method) ? known[method] : undefined;
      if (checks === undefined) throw invalid(`'${method}' is no call that traffic has`);
      const args = argumentsOf(fields.need('args'));
      if (args.length > checks.length || !checks.every((check, i) => check(args[i]))) {
        throw invalid(`'args' is not what '${method}' takes`);
      }
      const work = traffic[method as keyof TrafficStore] as (...given: readonly unknown[]) => Promise<unknown>;
      return { result: JSON.stringify((await work(...args)) ?? null) };
    },
  });
  return [route('read', reads), route('write', writes)];
}

function argumentsOf(text: string): readonly unknown[] {
  try {
    const args: unknown = JSON.parse(text);
    if (Array.isArray(args)) return args;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw invalid(`'args' must be a JSON list`);
}
