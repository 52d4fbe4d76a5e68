import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { SpanJson, TraceInfo } from '../mlflow/index.ts';
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

/** A span in the JSON form of OTLP, as clients send it. */
function span(n: number, id: string, name: string, type: string, code: number, attributes: object): SpanJson {
  const pairs = Object.entries({ 'mlflow.spanType': type, ...attributes }).map(([key, value]: [string, unknown]) => ({
    key,
    value: typeof value === 'number' ? { int_value: String(value) } : { string_value: value },
  }));
  return { trace_id: String(n).repeat(32), span_id: id, name, status: { code }, attributes: pairs };
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
        await traces.logSpans(
          '0',
          spans.map((json, i) => ({
            traceId: String(n).repeat(32),
            spanId: String(json['span_id']),
            parentId: i === 0 ? undefined : 'a',
            name: String(json['name']),
            start: 1000 + n + i,
            end: 1010 + n,
            failed: false,
            json,
            attributes: new Map(),
            resource: [],
          })),
        );
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
