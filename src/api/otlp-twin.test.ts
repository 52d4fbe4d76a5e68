// Traces in the conventions of many libraries, and what MLflow's own server made of them: ours makes the same.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createShell, mlflowErrorBody, type Shell } from '../http/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { registerMlflowApi } from './index.ts';

interface Answer {
  readonly info: Readonly<Record<string, unknown>>;
  readonly spans: Readonly<Record<string, unknown>>;
}
interface Case {
  readonly name: string;
  readonly requests: readonly {
    readonly resourceSpans: readonly { scopeSpans: { spans: { traceId: string }[] }[] }[];
  }[];
  readonly answer: Answer;
}

const record = path.join(import.meta.dirname, '../../test/interop/mlflow/otlp-twin.jsonl');
const lines = fs.readFileSync(record, 'utf8').trimEnd().split('\n');
const cases = lines.map((line) => JSON.parse(line) as Case);

let store: TrackingStore;
let shell: Shell;

beforeAll(async () => {
  store = await openTracking('memory:');
  shell = await createShell({ errors: mlflowErrorBody });
  registerMlflowApi(shell, { store });
});

afterAll(async () => {
  await shell.close();
  await store.close();
});

const send = (body: unknown, headers: Record<string, string> = { 'x-mlflow-experiment-id': '0' }) =>
  shell.inject({
    method: 'POST',
    url: '/v1/traces',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('traces by OTLP', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_, { requests, answer }) => {
    for (const request of requests) expect((await send(request)).statusCode).toBe(200);
    const id = `tr-${requests[0]?.resourceSpans[0]?.scopeSpans[0]?.spans[0]?.traceId}`;
    const got = (await shell.inject(`/api/3.0/mlflow/traces/get?trace_id=${id}`)).json() as {
      trace: {
        trace_info: Record<string, unknown> & { tags: Record<string, string> };
        spans: { name: string; attributes: { key: string; value: unknown }[] }[];
      };
    };
    const { trace_location: _location, tags, ...info } = got.trace.trace_info;
    const { 'mlflow.artifactLocation': _artifacts, ...others } = tags;
    const spans = got.trace.spans.map(({ name, attributes }) => [
      name,
      Object.fromEntries(attributes.map(({ key, value }) => [key, value])),
    ]);
    expect({ info: { ...info, tags: others }, spans: Object.fromEntries(spans) }).toEqual(answer);
  });

  it('that are none are refused as MLflow refuses them', async () => {
    const spans = (...list: readonly unknown[]) => ({ resourceSpans: [{ scopeSpans: [{ spans: list }] }] });
    const trace = 'ab'.repeat(16);
    for (const [body, status, detail] of [
      [{}, 400, 'Invalid OpenTelemetry format - no spans found'],
      [{ resourceSpans: [] }, 400, 'Invalid OpenTelemetry format - no spans found'],
      ['{', 400, 'Invalid OpenTelemetry format'],
      [spans({ traceId: trace, name: 'x' }), 422, 'Cannot convert OpenTelemetry span to MLflow span'],
      [spans({ spanId: 'ab'.repeat(8), name: 'x' }), 422, 'Cannot convert OpenTelemetry span to MLflow span'],
    ] as const) {
      const answer = await send(body);
      expect([answer.statusCode, answer.json()]).toEqual([status, { detail }]);
    }
    const headless = await send(spans(), {});
    expect([headless.statusCode, headless.json().detail[0].loc]).toEqual([422, ['header', 'x-mlflow-experiment-id']]);
    const empty = await send(spans());
    expect([empty.statusCode, empty.headers['content-type'], empty.body]).toEqual([200, 'application/x-protobuf', '']);
  });

  it('belong to the runs that they were linked to, before they have come too', async () => {
    const runs = await Promise.all([0, 1, 2].map(async () => (await store.createRun({ experimentId: '0' })).info.id));
    const [maker = '', early = '', late = ''] = runs;
    const traceId = 'cd'.repeat(16);
    const link = (run: string) =>
      shell.inject({
        method: 'POST',
        url: '/api/2.0/mlflow/traces/link-to-run',
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify({ trace_ids: [`tr-${traceId}`], run_id: run }),
      });
    expect((await link(early)).statusCode).toBe(200);
    const span = { traceId, spanId: 'ef'.repeat(8), name: 'linked', startTimeUnixNano: '1', endTimeUnixNano: '2' };
    const headers = { 'x-mlflow-experiment-id': '0', 'x-mlflow-run-id': maker };
    await send({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }, headers);
    for (let twice = 0; twice < 2; twice++) expect((await link(late)).statusCode).toBe(200);
    for (const run of runs) {
      const found = await store.traces?.searchTraces({ experimentIds: ['0'], filter: `run_id = '${run}'` });
      expect(found?.items.map(({ id }) => id)).toEqual([`tr-${traceId}`]);
    }
    expect((await link('nope')).statusCode).toBe(200);
    expect(await store.traces?.traceLinks('0')).toHaveLength(4);
  });
});
