import { raw, type Sql } from './sql.ts';
import { one, type Work } from './work.ts';

/** What must not be in a store, and how it is counted. */
const wrongs: readonly (readonly [what: string, from: string])[] = [
  ['points of runs that are not there', 'metrics x WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.n = x.run)'],
  ['params of runs that are not there', 'params x WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.n = x.run)'],
  ['tags of runs that are not there', 'tags x WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.n = x.run)'],
  [
    'newest values that are in no history',
    `latest x WHERE NOT EXISTS (SELECT 1 FROM metrics m WHERE m.run = x.run AND m.key = x.key
       AND m.timestamp = x.timestamp AND m.step = x.step AND m.value = x.value AND m.is_nan = x.is_nan)`,
  ],
  [
    'runs of experiments that are not there',
    'runs x WHERE NOT EXISTS (SELECT 1 FROM experiments e WHERE e.n = x.experiment)',
  ],
  ['metrics without a name', 'latest x WHERE NOT EXISTS (SELECT 1 FROM keys k WHERE k.id = x.key)'],
];

/** @returns a sentence for each kind of thing that must not be there. */
export function* problemsOf(): Work<string[]> {
  const found: string[] = [];
  for (const [what, from] of wrongs) {
    const count: Sql = raw(`SELECT count(*) AS n FROM ${from}`);
    const { n } = yield* one<{ n: number }>(count);
    if (n > 0) found.push(`${n} ${what}`);
  }
  return found;
}
