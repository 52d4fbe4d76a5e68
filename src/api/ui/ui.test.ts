import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createShell, listen, type Listening, type Shell } from '../../http/index.ts';
import { parseFilter, runRules } from '../../mlflow/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { registerMlflowApi, registerWebUi } from '../index.ts';
import { readFilter } from './filter.ts';
import type { ColumnsAnswer, CurvesAnswer, ExperimentsAnswer, FindAnswer, TableAnswer } from './wire.ts';

let folder: string;
let store: TrackingStore;
let shell: Shell;
let listening: Listening;
let experiment: string;
const ids: string[] = [];

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-ui-api-'));
  store = await openTracking('memory:', { artifacts: folder });
  shell = await createShell();
  registerMlflowApi(shell, { store });
  registerWebUi(shell, { store });
  listening = await listen(shell, { host: '127.0.0.1', port: 0 });
  experiment = await store.createExperiment({ name: 'team/it' });
  for (let i = 0; i < 7; i++) {
    const { info } = await store.createRun({ experimentId: experiment, name: `run ${i}`, startTime: 1000 + i });
    ids.push(info.id);
    await store.logBatch(info.id, {
      metrics: Array.from({ length: 5 }, (_, step) => ({
        key: 'loss',
        value: i + 1 / (step + 1),
        timestamp: step,
        step,
      })),
      params: [{ key: 'lr', value: String(i / 10) }, ...(i === 6 ? [{ key: 'odd', value: 'yes' }] : [])],
      tags: [{ key: 'team', value: 'a' }],
    });
  }
  await store.logBatch(ids[0] ?? '', { metrics: [{ key: 'nan', value: NaN, timestamp: 1, step: 0 }] });
  await store.createRegisteredModel('run model');
});

afterAll(async () => {
  await listening.close(1000);
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function ask<Answer>(name: string, body?: object): Promise<Answer> {
  const response = await fetch(`${listening.url}/ajax-api/2.0/mlflow/mlops-ui/${name}`, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as Answer;
}

describe('the table of runs', () => {
  const table = (more: object = {}) => ask<TableAnswer>('runs', { experiment_ids: [experiment], ...more });

  it('chooses columns of the newest runs, and gives those that are asked for in their order', async () => {
    const usual = await table();
    expect(usual.columns).toEqual(['metrics.loss', 'params.lr', 'params.odd']);
    expect(usual.rows[0]).toMatchObject({ name: 'run 6', values: [6.2, '0.6', 'yes'] });
    const asked = await table({ columns: ['tags.team', 'metrics.nan', 'params.none'], order_by: ['metrics.nan ASC'] });
    expect(asked.rows.find(({ name }) => name === 'run 0')?.values).toEqual(['a', 'NaN', null]);
  });

  it('goes on page by page', async () => {
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = await table({ max_results: 3, columns: [], page_token: token });
      seen.push(...page.rows.map((row) => row.run_id));
      token = page.next_page_token;
    } while (token !== undefined);
    expect(seen).toEqual(ids.toReversed());
  });

  it('takes a word for a name, and tells where a filter is wrong', async () => {
    expect((await table({ filter: 'run 3' })).rows.map(({ name }) => name)).toEqual(['run 3']);
    expect((await table({ filter: 'metrics.loss > 5 and params.lr = "0.6"' })).rows).toHaveLength(1);
    const filter = "params.lr = '0.1' and  metrics.loss = 'x' and tags.a = 'b'";
    const { problem } = await table({ filter });
    expect(filter.slice(problem?.from, problem?.to)).toBe("metrics.loss = 'x'");
    expect(problem?.message).toMatch(/numeric/i);
  });

  it('knows all columns without looking at all rows', async () => {
    const overview = await ask<ColumnsAnswer>(`columns?experiment_ids=${experiment}`);
    expect(overview).toMatchObject({ runs: 7, metrics: ['loss', 'nan'], params: ['lr', 'odd'] });
    expect(overview.tags).toContain('team');
    expect(await ask<ColumnsAnswer>('columns?experiment_ids=0')).toMatchObject({ runs: 0, metrics: [] });
  });
});

it('reads whatever is written into the filter', () => {
  const pieces = fc.constantFrom(
    'metrics.a > 1',
    'and',
    "'",
    '"',
    'word',
    'params.x',
    '=',
    ' ',
    "tags.`a b` LIKE '%'",
    '(',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((list) => list.join(' ')),
      ),
      (text) => {
        const { filter, problem } = readFilter(text);
        if (problem === undefined) parseFilter(filter, runRules);
        else {
          expect(problem.from).toBeGreaterThanOrEqual(0);
          expect(problem.to).toBeLessThanOrEqual(text.length);
        }
      },
    ),
  );
});

it('gives curves as columns, of a part of the steps too', async () => {
  const body = { run_ids: ids.slice(0, 2), keys: ['loss', 'none'], start_step: 1, end_step: 3 };
  const { curves } = await ask<CurvesAnswer>('curves', body);
  expect(curves.map(({ run_id: id, steps }) => [id, steps])).toEqual([
    [ids[0], [1, 2, 3]],
    [ids[1], [1, 2, 3]],
  ]);
});

it('tells what experiments are about and what goes on in them', async () => {
  const { experiments } = await ask<ExperimentsAnswer>('experiments');
  const row = experiments.find(({ experiment_id: id }) => id === experiment);
  expect(row).toMatchObject({ name: 'team/it', runs: 7, running: 7, last_start: 1006 });
});

it('finds runs, experiments and models by name, and a run by its id', async () => {
  const kinds = async (text: string): Promise<string[]> =>
    (await ask<FindAnswer>(`find?text=${encodeURIComponent(text)}`)).found.map(({ kind, name }) => `${kind} ${name}`);
  expect(await kinds('RUN')).toEqual(expect.arrayContaining(['run run 6', 'model run model']));
  expect(await kinds('team')).toEqual(['experiment team/it']);
  expect(await kinds(ids[2] ?? '')).toEqual(['run run 2']);
  expect(await kinds(`'"%`)).toEqual([]);
});

it('sends news when something was taken in, and ends them when the server stops', async () => {
  const response = await fetch(`${listening.url}/ajax-api/2.0/mlflow/mlops-ui/live`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  const read = async (): Promise<boolean> => {
    const { value, done } = await reader.read();
    text += value === undefined ? '' : decoder.decode(value);
    return done;
  };
  await read();
  await fetch(`${listening.url}/api/2.0/mlflow/runs/set-tag`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ run_id: ids[0], key: 'a', value: 'b' }),
  });
  while (!text.includes('event: change')) await read();
  const begun = performance.now();
  const closed = listening.close(8000);
  while (!(await read()));
  expect(await closed).toBe(true);
  expect(performance.now() - begun).toBeLessThan(6000);
});
