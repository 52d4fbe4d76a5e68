import { MlopsError } from '../../base/index.ts';
import type { Scope, Shell } from '../../http/index.ts';
import { bucketKinds, logStats, momentOf, type StatsOptions } from '../../monitor/index.ts';
import { healthOf, type AlertFacts } from './health.ts';
import { performance, performanceJson } from './predictions.ts';

export interface MonitorRoutesOptions {
  /** Folder of the prediction log. */
  readonly log: string;
  readonly prefix?: string | undefined;
  /** Who may look. */
  readonly scope: Scope;
  readonly facts: MonitorFacts;
}

/** What the log alone does not tell. */
export interface MonitorFacts {
  alerts(): Promise<readonly AlertFacts[]>;
  /** Drift of one model, or of all that have a reference. @throws MlopsError `resource_missing` */
  drift(model: string | undefined): Promise<readonly unknown[]>;
}

/**
 * What the log tells, over HTTP: `GET /monitor/stats`, `/monitor/performance`, `/monitor/drift` and
 * `/monitor/health`, with the words that the commands have as flags.
 */
export function addMonitorRoutes(shell: Shell, { log, prefix = '', scope, facts }: MonitorRoutesOptions): void {
  const get = (name: string, answer: (query: Query) => Promise<unknown>): void => {
    shell.get(`${prefix}/monitor/${name}`, { config: { scope } }, (request) => answer(request.query as Query));
  };
  get('stats', (query) => logStats(log, selectionOf(query)));
  get('performance', async (query) => {
    const seed = Number(textIn(query, 'seed') ?? 0);
    const options = { positive: textIn(query, 'positive'), seed: Number.isSafeInteger(seed) ? seed : 0 };
    return performanceJson(await performance(log, selectionOf(query), options)) ?? [];
  });
  get('drift', async (query) => {
    const found = await facts.drift(textIn(query, 'model'));
    return found.length === 1 ? found[0] : found;
  });
  get('health', async (query) => healthOf(await logStats(log, selectionOf(query)), await facts.alerts(), Date.now()));
}

type Query = Readonly<Record<string, unknown>>;

function textIn(query: Query, name: string): string | undefined {
  const value = query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** @throws MlopsError `invalid_value` for what is no time, bucket or zone. */
function selectionOf(query: Query): StatsOptions {
  const moment = (name: string): number | undefined => {
    const value = textIn(query, name);
    return value === undefined ? undefined : momentOf(value, Date.now());
  };
  const by = textIn(query, 'by');
  if (by !== undefined && by !== 'version' && !bucketKinds.some((kind) => kind === by)) {
    throw new MlopsError('invalid_value', `'by' is hour, day, week or version, not '${by}'`);
  }
  return {
    model: textIn(query, 'model'),
    version: textIn(query, 'version'),
    since: moment('since'),
    until: moment('until'),
    by: by as StatsOptions['by'],
    zone: textIn(query, 'tz'),
  };
}
