// What only the remote kind asks of MLflow's own server: traces, their spans, assessments and links; webhooks.
import { expect, it } from 'vitest';

import { serverSource } from '../../../src/migrate/server.ts';
import { readSpan } from '../../../src/mlflow/index.ts';
import { openTracking } from '../../../src/tracking/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';
import { serveMlflow } from './mlflow-server.ts';

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

describeWithTool('mlflow', "MLflow's own server", ({ mlflow }) => {
  it('keeps traces and webhooks of a remote store', { timeout: 180_000 }, async () => {
    const store = await openTracking(await serveMlflow(mlflow, temporaryFolder()), { env: {} });
    const { traces, webhooks } = store;
    const [hex, id] = ['ab'.repeat(16), `tr-${'ab'.repeat(16)}`];
    const trace = {
      ...{ id, experimentId: '0', requestTime: 1_700_000_000_123, duration: 250, state: 'OK' as const },
      ...{ clientRequestId: 'c', requestPreview: 'in', responsePreview: 'out', assessments: [] },
      metadata: [{ key: 'mlflow.trace_schema.version', value: '3' }],
      tags: [{ key: 'k', value: 'v' }],
    };
    expect(await traces.hasTrace(id)).toBe(false);
    expect(await traces.putTrace(trace)).toMatchObject({ id, requestTime: trace.requestTime, duration: 250 });
    const at = (n: number): string => `${trace.requestTime + n}000000`;
    const span = (own: string, parent: string | undefined, name: string): ReturnType<typeof readSpan> =>
      readSpan({
        trace_id: base64(hex),
        span_id: base64(own.repeat(16)),
        ...(parent === undefined ? {} : { parent_span_id: base64(parent.repeat(16)) }),
        ...{ name, start_time_unix_nano: at(0), end_time_unix_nano: at(250), status: { code: 1 } },
        attributes: [{ key: 'mlflow.spanInputs', value: { string_value: '{"x": 1}' } }],
      });
    await traces.logSpans('0', [span('a', undefined, 'outer'), span('b', 'a', 'inner')]);
    const kept = await traces.getTrace(id);
    expect(kept.info).toMatchObject({ clientRequestId: 'c', requestPreview: 'in', state: 'OK', experimentId: '0' });
    expect(kept.spans.map((one) => [one['name'], one['span_id']])).toEqual([
      ['outer', base64('a'.repeat(16))],
      ['inner', base64('b'.repeat(16))],
    ]);
    await traces.setTraceTag(id, { key: 'color', value: 'red' });
    await traces.deleteTraceTag(id, 'k');
    const found = await traces.searchTraces({ experimentIds: ['0'], filter: `tags.color = 'red'` });
    expect(found.items.map((one) => one.id)).toEqual([id]);
    expect(found.items[0]?.tags.map(({ key }) => key)).not.toContain('k');
    const source = { source_type: 'HUMAN', source_id: 'ann' };
    const assessment = { assessment_id: 'mine', assessment_name: 'good', source, feedback: { value: true } };
    const made = await traces.putAssessment(id, 'mine', assessment);
    expect(await traces.putAssessment(id, made, { ...assessment, feedback: { value: false } })).toBe(made);
    expect((await traces.getTraceInfo(id)).assessments).toMatchObject([
      { assessment_id: made, assessment_name: 'good', feedback: { value: false } },
    ]);
    await traces.deleteAssessment(id, made);
    expect((await traces.getTraceInfo(id)).assessments).toEqual([]);
    const { info: run } = await store.createRun({ experimentId: '0' });
    await traces.linkTraces([id], run.id);
    expect(await traces.traceLinks('0')).toEqual([{ traceId: id, runId: run.id }]);
    const read = [];
    for await (const one of serverSource(store).traces?.('0') ?? []) read.push(one);
    expect(read).toMatchObject([{ info: { id }, spans: [{ name: 'outer' }, { name: 'inner' }], runs: [run.id] }]);
    expect(await traces.deleteTraces({ experimentId: '0', ids: [id] })).toBe(1);
    expect(await traces.hasTrace(id)).toBe(false);

    const events = [{ entity: 'model_version', action: 'created' }] as const;
    const hook = await webhooks.createWebhook({ name: 'ci', url: 'https://192.0.9.1/hook', events });
    await webhooks.updateWebhook(hook.id, { status: 'DISABLED', description: 'off' });
    expect((await webhooks.listWebhooks({})).items).toMatchObject([
      { id: hook.id, name: 'ci', events, status: 'DISABLED', description: 'off' },
    ]);
    await webhooks.deleteWebhook(hook.id);
    await expect(webhooks.getWebhook(hook.id)).rejects.toMatchObject({ code: 'resource_missing' });
  });
});
