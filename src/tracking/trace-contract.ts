import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readSpan, type SpanJson, type TraceInfo } from '../mlflow/index.ts';
import type { Opened } from './contract.ts';
import type { TraceStore } from './trace-store.ts';

const info = (n: number, tags: Readonly<Record<string, string>> = {}): TraceInfo => ({
  id: `tr-${String(n).repeat(32)}`,
  experimentId: '0',
  requestTime: 1000 + n,
  duration: 10 * n,
  state: n === 3 ? 'ERROR' : 'OK',
  clientRequestId: `req-${n}`,
  requestPreview: undefined,
  responsePreview: undefined,
  metadata: [{ key: 'meta', value: `m${n}` }],
  tags: Object.entries({ 'mlflow.traceName': 'outer', ...tags }).map(([key, value]) => ({ key, value })),
  assessments: [],
});

function idOf(letter: string): string {
  return Buffer.from(letter.repeat(16), 'hex').toString('base64');
}

/** A span in the JSON form of OTLP, as clients send it. */
function span(n: number, id: string, name: string, type: string, code: number, attributes: object): SpanJson {
  const pairs = Object.entries({ 'mlflow.spanType': type, ...attributes }).map(([key, value]: [string, unknown]) => ({
    key,
    value: typeof value === 'number' ? { int_value: String(value) } : { string_value: value },
  }));
  const own = idOf(id);
  return {
    trace_id: Buffer.from(String(n).repeat(32), 'hex').toString('base64'),
    span_id: own,
    ...(id === 'a' ? {} : { parent_span_id: idOf('a') }),
    name,
    start_time_unix_nano: `${1000 + n}000000`,
    end_time_unix_nano: `${1010 + n}000000`,
    status: { code },
    attributes: pairs,
  };
}

/** What a search of traces finds, in any kind of store that is searched by SQL. */
export function traceContract(kind: string, open: () => Promise<Opened>): void {
  describe(`search of traces: ${kind}`, () => {
    let opened: Opened;
    let traces: TraceStore;
    afterAll(() => opened.close());

    async function found(filter: string, orderBy: readonly string[] = ['timestamp_ms']): Promise<string> {
      const { items } = await traces.searchTraces({ experimentIds: ['0'], filter, orderBy });
      return items.map(({ id }) => id.at(-1)).join('');
    }

    beforeAll(async () => {
      opened = await open();
      traces = opened.store.traces;
      for (const n of [1, 2, 3]) {
        await traces.putTrace(info(n, n === 2 ? {} : { color: n === 1 ? 'red' : 'Blue' }));
        const spans = [
          span(n, 'a', 'outer', 'CHAIN', n === 3 ? 2 : 1, { n }),
          span(n, 'b', n === 2 ? 'retrieve' : 'inner', 'TOOL', 1, { model: `gpt-${n}`, 'a b': 'hello' }),
        ];
        await traces.logSpans('0', spans.map(readSpan));
      }
      const assess = async (n: number, id: string, name: string, kind: 'feedback' | 'expectation', value: object) =>
        traces.putAssessment(info(n).id, id, { assessment_id: id, assessment_name: name, [kind]: value });
      await assess(1, 'a1', 'good', 'feedback', { value: true });
      await assess(2, 'a2', 'good', 'feedback', { value: false });
      await assess(2, 'a3', 'score', 'feedback', { value: 0.7 });
      await assess(3, 'a4', 'score', 'feedback', { value: 3 });
      await assess(3, 'a5', 'label', 'feedback', { value: 'yes' });
      await assess(1, 'e1', 'answer', 'expectation', { value: '42' });
      await assess(2, 'e2', 'facts', 'expectation', { serialized_value: { value: '["ab", "cd"]' } });
      await traces.putAssessment(info(3).id, 'old', {
        assessment_id: 'old',
        assessment_name: 'label',
        valid: false,
        feedback: { value: 'overridden' },
      });
      const prompts = [{ name: 'chat', version: '1' }];
      await traces.setTraceTag(info(2).id, { key: 'mlflow.linkedPrompts', value: JSON.stringify(prompts) });
    });

    it('gives back what was put, and says which are not there', async () => {
      const [one] = [await traces.getTrace(info(1).id)];
      expect(one.info).toMatchObject({ ...info(1), tags: expect.anything(), assessments: expect.anything() });
      expect(one.info.tags).toEqual(expect.arrayContaining([...info(1).tags]));
      expect(one.info.assessments.map((each) => each['assessment_name'])).toEqual(['good', 'answer']);
      expect(one.spans.map(({ name }) => name)).toEqual(['outer', 'inner']);
      expect(one.spans[1]).toMatchObject({ span_id: idOf('b'), parent_span_id: idOf('a') });
      expect(await traces.hasTrace(info(1).id)).toBe(true);
      expect(await traces.hasTrace(info(9).id)).toBe(false);
      await expect(traces.getTraceInfo(info(9).id)).rejects.toMatchObject({ code: 'resource_missing' });
      await expect(traces.deleteTraceTag(info(1).id, 'none')).rejects.toMatchObject({ code: 'resource_missing' });
    });

    it('changes and takes away tags, assessments, links and traces', async () => {
      const { id } = info(4);
      await traces.putTrace(info(4, { a: '1', b: '2' }));
      await traces.deleteTraceTag(id, 'a');
      const first = await traces.putAssessment(id, 'f', {
        ...{ assessment_id: 'f', assessment_name: 'fine', feedback: { value: 1 } },
      });
      const again = { assessment_id: first, assessment_name: 'fine', feedback: { value: 2 } };
      expect(await traces.putAssessment(id, first, again)).toBe(first);
      const other = await traces.putAssessment(id, 'g', { ...again, assessment_id: 'g', feedback: { value: 3 } });
      await traces.deleteAssessment(id, other);
      const { tags, assessments } = await traces.getTraceInfo(id);
      expect(tags.map(({ key }) => key)).not.toContain('a');
      expect(assessments).toHaveLength(1);
      expect(assessments[0]).toMatchObject({ assessment_id: first, feedback: { value: 2 } });
      const { info: run } = await opened.store.createRun({ experimentId: '0' });
      await traces.linkTraces([id], run.id);
      expect(await traces.traceLinks('0')).toEqual([{ traceId: id, runId: run.id }]);
      expect(await found(`run_id = '${run.id}'`)).toBe('4');
      expect(await traces.deleteTraces({ experimentId: '0', ids: [id] })).toBe(1);
      expect(await traces.hasTrace(id)).toBe(false);
    });

    it('finds them by what is known of the whole call', async () => {
      expect(await found(`status = 'OK'`)).toBe('12');
      expect(await found(`trace.name = 'outer' AND trace.execution_time_ms >= 20`)).toBe('23');
      expect(await found(`tags.color ILIKE 'blue'`)).toBe('3');
      expect(await found(`tags.color IS NULL`)).toBe('2');
      expect(await found(`metadata.meta = 'm2'`)).toBe('2');
      expect(await found(`client_request_id LIKE 'req-%' AND timestamp_ms > 1001`)).toBe('23');
      expect(await found(`prompt = 'chat/1'`)).toBe('2');
      expect(await found(`prompt = 'chat/2'`)).toBe('');
      await expect(found(`prompt = 'chat'`)).rejects.toThrow('Expected format: prompt = "name/version"');
    });

    it('finds them by their spans, one of which has to fit all that is asked', async () => {
      expect(await found(`span.name = 'inner'`)).toBe('13');
      expect(await found(`span.name LIKE 'in%' AND span.type = 'TOOL'`)).toBe('13');
      expect(await found(`span.name = 'inner' AND span.type = 'CHAIN'`)).toBe('');
      expect(await found(`span.status = 'ERROR'`)).toBe('3');
      expect(await found(`span.name IN ('retrieve', 'x')`)).toBe('2');
      expect(await found(`span.attributes.model LIKE '%gpt-2%'`)).toBe('2');
      expect(await found("span.attributes.`a b` = 'hello'")).toBe('123');
      expect(await found(`span.attributes.n = '3'`)).toBe('3');
      expect(await found(`span.attributes.none = 'x'`)).toBe('');
      expect(await found(`trace.text LIKE '%gpt-1%'`)).toBe('1');
      expect(await found(`span.content ILIKE '%GPT-1%' AND status = 'OK'`)).toBe('1');
    });

    it('finds them by feedback and expectations that still hold', async () => {
      expect(await found(`feedback.good = 'true'`)).toBe('1');
      expect(await found(`feedback.good != 'true'`)).toBe('2');
      expect(await found('feedback.score > 0.5')).toBe('23');
      expect(await found(`feedback.score = '0.7'`)).toBe('2');
      expect(await found('feedback.score IS NULL')).toBe('1');
      expect(await found('feedback.score IS NOT NULL')).toBe('23');
      expect(await found(`feedback.label = 'yes'`)).toBe('3');
      expect(await found(`feedback.label = 'overridden'`)).toBe('');
      expect(await found(`expectation.answer = '42'`)).toBe('1');
      expect(await found(`expectation.facts LIKE '%ab%'`)).toBe('2');
      expect(await found(`feedback.answer = '42'`)).toBe('');
    });

    it('orders them by attributes, tags and metadata, and finds none in experiments that are not there', async () => {
      expect(await found('', ['timestamp_ms DESC'])).toBe('321');
      expect(await found('', ['tags.color'])).toBe('312');
      expect(await found('', ['metadata.meta DESC'])).toBe('321');
      expect((await traces.searchTraces({ experimentIds: ['77'] })).items).toEqual([]);
      expect(await traces.deleteTraces({ experimentId: '77', ids: [info(1).id] })).toBe(0);
    });
  });
}
