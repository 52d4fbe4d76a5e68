import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compareCodePoints } from '../base/index.ts';
import { parseFilter, parseOrderBy, runRules, type Clause, type OrderTerm, type Run } from '../mlflow/index.ts';
import type { Opened } from './contract.ts';
import type { TrackingStore } from './store.ts';

/** The value that a clause or order term reads of a run; undefined where the run has none. */
function valueOf(run: Run, { entity, key }: Clause | OrderTerm): number | string | undefined {
  if (entity === 'metric') return run.metrics.find((one) => one.key === key)?.value;
  if (entity === 'param') return run.params.find((one) => one.key === key)?.value;
  if (entity === 'tag') return run.tags.find((one) => one.key === key)?.value;
  const { info } = run;
  const attributes: Record<string, number | string | undefined> = {
    run_id: info.id,
    run_name: info.name,
    status: info.status,
    start_time: info.startTime,
    end_time: info.endTime,
  };
  return attributes[key];
}

function matches(run: Run, clause: Clause): boolean {
  const actual = valueOf(run, clause);
  const { comparator } = clause;
  const wanted = clause.value as number | string;
  if (comparator === 'IS NULL') return actual === undefined;
  if (comparator === 'IS NOT NULL') return actual !== undefined;
  if (actual === undefined) return false;
  if (comparator === '=') return actual === wanted;
  if (comparator === '!=') return actual !== wanted;
  if (comparator === '>') return actual > wanted;
  if (comparator === '>=') return actual >= wanted;
  if (comparator === '<') return actual < wanted;
  if (comparator === '<=') return actual <= wanted;
  const pattern = String(wanted).replaceAll('%', '.*').replaceAll('_', '.');
  return new RegExp(`^${pattern}$`, comparator === 'ILIKE' ? 'i' : '').test(String(actual));
}

function rank(value: number | string | undefined): number {
  if (value === undefined) return 2;
  return typeof value === 'number' && Number.isNaN(value) ? 1 : 0;
}

function compare(a: Run, b: Run, order: readonly OrderTerm[]): number {
  for (const term of order) {
    const [x, y] = [valueOf(a, term), valueOf(b, term)];
    if (rank(x) !== rank(y)) return rank(x) - rank(y);
    if (rank(x) !== 0 || x === y) continue;
    const less = typeof x === 'number' ? x < (y as number) : compareCodePoints(String(x), String(y)) < 0;
    return less === term.ascending ? -1 : 1;
  }
  return b.info.startTime - a.info.startTime || compareCodePoints(a.info.id, b.info.id);
}

const long = 'x'.repeat(64);
const texts = ['a', 'b', 'A', '', `${long}1`, `${long}2`];
const runArbitrary = fc.record({
  experiment: fc.integer({ min: 0, max: 1 }),
  name: fc.constantFrom('n1', 'n2', 'N1'),
  startTime: fc.integer({ min: 0, max: 3 }),
  endTime: fc.option(fc.integer({ min: 5, max: 7 }), { nil: undefined }),
  finished: fc.boolean(),
  deleted: fc.boolean(),
  m: fc.option(fc.constantFrom(0, 1, -1.5, NaN, 2), { nil: undefined }),
  k: fc.option(fc.constantFrom(0, 1), { nil: undefined }),
  p: fc.option(fc.constantFrom(...texts), { nil: undefined }),
  t: fc.option(fc.constantFrom(...texts), { nil: undefined }),
});
const filterArbitrary = fc.array(
  fc.oneof(
    fc
      .tuple(
        fc.constantFrom('metrics.m', 'metrics.k', 'metrics.none', 'start_time', 'end_time'),
        fc.constantFrom('=', '!=', '>', '>=', '<', '<='),
        fc.constantFrom('0', '1', '6', '-1.5'),
      )
      .map((parts) => parts.join(' ')),
    fc
      .tuple(
        fc.constantFrom('params.p', 'tags.t', 'tags.none'),
        fc.constantFrom('=', '!=', 'LIKE', 'ILIKE'),
        fc.constantFrom(...texts.map((text) => `'${text}'`), `'%1'`, `'_'`),
      )
      .map((parts) => parts.join(' ')),
    fc
      .tuple(fc.constantFrom('params.p', 'tags.t'), fc.constantFrom('IS NULL', 'IS NOT NULL'))
      .map((parts) => parts.join(' ')),
    fc.constantFrom(`run_name = 'n1'`, `run_name ILIKE 'n1'`, `status = 'FINISHED'`, `status != 'FINISHED'`),
  ),
  { maxLength: 3 },
);
const orderArbitrary = fc.uniqueArray(
  fc.constantFrom('metrics.m', 'metrics.k', 'metrics.none', 'params.p', 'tags.t', 'start_time', 'end_time', 'run_name'),
  { maxLength: 2 },
);

/** What a search of runs finds, in any kind of store that is searched by SQL. */
export function searchContract(kind: string, open: () => Promise<Opened>, tries = 60): void {
  describe(`search of runs: ${kind}`, () => {
    let opened: Opened;
    let store: TrackingStore;
    let made = 0;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.close());

    it('finds what a plain reading of the query finds, in its order, on every page', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(runArbitrary, { maxLength: 12 }),
          fc.array(
            fc.record({
              filter: filterArbitrary,
              order: orderArbitrary,
              descending: fc.boolean(),
              size: fc.integer({ min: 1, max: 5 }),
              view: fc.constantFrom('ACTIVE_ONLY' as const, 'DELETED_ONLY' as const, 'ALL' as const),
            }),
            { minLength: 1, maxLength: 8 },
          ),
          async (wanted, queries) => {
            const ids = [
              await store.createExperiment({ name: `a${++made}` }),
              await store.createExperiment({ name: `b${made}` }),
            ];
            const runs: Run[] = [];
            for (const one of wanted) {
              const { info } = await store.createRun({
                experimentId: ids[one.experiment] ?? '',
                name: one.name,
                startTime: one.startTime,
              });
              const metrics = [
                ['m', one.m],
                ['k', one.k],
              ] as const;
              await store.logBatch(info.id, {
                metrics: metrics.flatMap(([key, value]) =>
                  value === undefined ? [] : [{ key, value, step: 0, timestamp: 0 }],
                ),
                params: one.p === undefined ? [] : [{ key: 'p', value: one.p }],
                tags: one.t === undefined ? [] : [{ key: 't', value: one.t }],
              });
              await store.updateRun(info.id, { endTime: one.endTime, status: one.finished ? 'FINISHED' : 'RUNNING' });
              if (one.deleted) await store.deleteRun(info.id);
              runs.push(await store.getRun(info.id));
            }
            for (const query of queries) {
              const filter = query.filter.join(' AND ');
              const orderBy = query.order.map((key) => `${key} ${query.descending ? 'DESC' : 'ASC'}`);
              const clauses = parseFilter(filter, runRules);
              const order = parseOrderBy(orderBy, runRules);
              const expected = runs
                .filter(
                  (run) =>
                    query.view === 'ALL' || (run.info.lifecycle === 'deleted') === (query.view === 'DELETED_ONLY'),
                )
                .filter((run) => clauses.every((clause) => matches(run, clause)))
                .sort((a, b) => compare(a, b, order))
                .map((run) => run.info.id);
              const found: string[] = [];
              let pageToken: string | undefined;
              do {
                const page = await store.searchRuns({
                  experimentIds: ids,
                  filter,
                  orderBy,
                  view: query.view,
                  maxResults: query.size,
                  pageToken,
                });
                expect(page.items.length).toBeLessThanOrEqual(query.size);
                found.push(...page.items.map((run) => run.info.id));
                pageToken = page.nextPageToken;
              } while (pageToken !== undefined && found.length < 50);
              expect(found, JSON.stringify({ filter, orderBy, view: query.view })).toEqual(expected);
            }
          },
        ),
        { numRuns: tries },
      );
    }, 240_000);

    it('refuses a page token of another query', async () => {
      for (let i = 0; i < 3; i++) await store.createRun({ experimentId: '0' });
      const { nextPageToken } = await store.searchRuns({ experimentIds: ['0'], maxResults: 1 });
      const other = { experimentIds: ['0'], maxResults: 1, filter: `run_name = 'x'`, pageToken: nextPageToken };
      await expect(store.searchRuns(other)).rejects.toThrow('Invalid page token');
      await expect(store.searchRuns({ experimentIds: ['0'], pageToken: 'garbage' })).rejects.toThrow(
        'Invalid page token',
      );
    });
  });
}
