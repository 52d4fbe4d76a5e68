import { invalid } from '../mlflow/index.ts';
import { studyCalls, type TrackingStore } from '../tracking/index.ts';
import type { TrialStore } from '../tune/index.ts';
import type { ApiRoute } from './route.ts';

const reads: ReadonlySet<string> = new Set(['getStudy', 'listStudies', 'listTrials', 'summary']);
const writes: ReadonlySet<string> = new Set([
  ...['createStudy', 'updateStudy', 'claimStudy', 'deleteStudy', 'putTrials', 'swapTrial'],
]);

/** Studies for other machines: the methods of the store, by name. */
export function studyRoutes({ studies }: Pick<TrackingStore, 'studies'>): readonly ApiRoute[] {
  const route = (kind: 'read' | 'write', known: ReadonlySet<string>): ApiRoute => ({
    method: 'POST',
    path: `/mlops-studies/${kind}`,
    scope: kind,
    async answer(fields) {
      const method = fields.need('method');
      if (!known.has(method)) throw invalid(`'${method}' is no call that studies have`);
      const args = argumentsOf(fields.need('args'));
      const work = studies[method as keyof TrialStore] as (...given: readonly unknown[]) => Promise<unknown>;
      return { result: studyCalls.writeJson((await work(...args)) ?? null) };
    },
  });
  return [route('read', reads), route('write', writes)];
}

function argumentsOf(text: string): readonly unknown[] {
  try {
    const args = studyCalls.readJson(text);
    if (Array.isArray(args) && (args.length === 0 || typeof args[0] === 'string' || isStudy(args[0]))) return args;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw invalid(`'args' must be a JSON list that begins with the name of a study`);
}

function isStudy(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { name?: unknown }).name === 'string';
}
