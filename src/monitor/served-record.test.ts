import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { columnsOf } from './columns.ts';
import { describeText, keptValue, project } from './descriptors.ts';
import { sampleRows, servedLine, type LoggedTensor, type PredictionRecord, type ServedPrediction } from './index.ts';

/** A tensor of numbers or texts, row by row. */
function tensor(rows: readonly (readonly (number | string)[])[]): LoggedTensor {
  const width = rows[0]?.length ?? 0;
  return {
    dtype: 'float32',
    dims: [rows.length, width],
    size: rows.length * width,
    json: () => JSON.stringify(rows),
    bytes: () => Buffer.from(JSON.stringify(rows)),
    rowJson: (row) => JSON.stringify(rows[row]),
    rowNumbers: (row) => (typeof rows[row]?.[0] === 'number' ? (rows[row] as number[]) : undefined),
  };
}

const plain: ServedPrediction = {
  ...{ id: 'a', at: 5, model: 'm', version: '1', arm: undefined, md5: 'f'.repeat(32), runId: undefined },
  inputs: new Map([['x', tensor([[1, 2]])]]),
  outputs: new Map([['y', tensor([[3]])]]),
  rows: undefined,
  columnInputs: new Map(),
  outputSources: new Map(),
  ...{ labels: undefined, labelSource: undefined, scores: undefined, latency: 1.23456, requestId: 'r' },
  traceId: undefined,
};

const record = (changes: Partial<ServedPrediction>, redact: readonly string[] = []): PredictionRecord =>
  JSON.parse(servedLine({ ...plain, ...changes }, new Set(redact))) as PredictionRecord;

describe('the record of a served prediction', () => {
  it('has tensors, and a number a row where the model answers numbers', () => {
    expect(record({})).toEqual({
      ...{ kind: 'prediction', id: 'a', at: 5, model: 'm', version: '1', md5: 'f'.repeat(32) },
      ...{ inputs: { x: [[1, 2]] }, outputs: { y: [[3]] }, predictions: [3], latency_ms: 1.235, request_id: 'r' },
    });
    expect(record({ arm: 'b', runId: 'r1', traceId: 't' })).toMatchObject({ arm: 'b', run_id: 'r1', trace_id: 't' });
  });

  it('has the rows that the client sent, of many some, with the answers of these', () => {
    const sent = sampleRows(1_000, 2, (row) => ({ age: row, city: row % 2 === 0 ? 'Å' : null }));
    const labels = Array.from({ length: 1_000 }, (_, row) => `l${row}`);
    const many = Array.from({ length: 1_000 }, (_, row) => [row]);
    const got = record({ rows: sent, labels, inputs: new Map([['x', tensor(many)]]) });
    expect(got.rows).toHaveLength(256);
    expect(got.row_count).toBe(1_000);
    expect(got.row_at?.slice(0, 3)).toEqual([0, 3, 7]);
    expect(got.labels?.slice(0, 3)).toEqual(['l0', 'l3', 'l7']);
    expect(got.rows?.slice(0, 2)).toEqual([
      { age: 0, city: 'Å' },
      { age: 3, city: null },
    ]);
    expect(got.inputs).toEqual({ x: { md5: expect.any(String), dtype: 'float32', shape: [1_000, 1] } });
  });

  it('leaves out rows that are not those of its answer', () => {
    const two = sampleRows(2, 1, (row) => ({ a: row }));
    for (const rows of [two, sampleRows(0, 0, () => ({}))]) {
      const got = record({ rows, labels: ['cat'] });
      expect(got).not.toHaveProperty('rows');
      expect(got.labels).toEqual(['cat']);
    }
  });

  it('keeps vectors up to 1,024 numbers beside their md5, longer ones projected to 64', () => {
    const vector = Array.from({ length: 1_024 }, (_, i) => i / 8);
    const kept = record({ inputs: new Map([['x', tensor([vector])]]), outputs: new Map() });
    expect(kept.rows).toEqual([{ x: vector }]);
    expect(kept.inputs?.['x']).toMatchObject({ shape: [1, 1_024] });
    const long = Array.from({ length: 5_000 }, (_, i) => Math.sin(i));
    const [row] = record({ inputs: new Map([['x', tensor([long])]]), outputs: new Map() }).rows ?? [];
    expect(row).toEqual({ x: { projection: project(long) } });
    expect(Object.keys(columnsOf(row ?? {}))).toHaveLength(64);
    const several = Array.from({ length: 100 }, () => vector);
    const few = record({ inputs: new Map([['x', tensor(several)]]), outputs: new Map() });
    expect([few.rows?.length, few.row_count]).toEqual([8, 100]);
  });

  it('has probabilities by class where an output holds some', () => {
    const scores = { output: 'p', classes: ['cat', 'dog'] };
    const of = (row: number[]) => record({ labels: ['cat'], scores, outputs: new Map([['p', tensor([row])]]) }).scores;
    expect(of([0.75, 0.25])).toEqual([{ cat: 0.75, dog: 0.25 }]);
    // Logits are none.
    for (const row of [[2, -1], [0.5, 0.6], [0.5], [Number.NaN, 1]]) expect(of(row)).toBeUndefined();
  });

  it('shows nothing of what is redacted, nor what is made of it', () => {
    const rows = sampleRows(1, 3, () => ({ age: 7777, city: 'hidden', free: 'shown' }));
    const columnInputs = new Map([
      ['age', ['numbers']],
      ['city', ['texts']],
      ['free', ['other']],
    ]);
    const inputs = new Map([
      ['numbers', tensor([[7777]])],
      ['texts', tensor([['hidden']])],
      ['other', tensor([['shown']])],
    ]);
    const byColumn = record({ rows, columnInputs, inputs }, ['age', 'texts']);
    expect(JSON.stringify(byColumn)).not.toMatch(/7777|hidden/);
    expect(byColumn).toMatchObject({
      rows: [{ free: 'shown' }],
      inputs: { other: [['shown']], numbers: '[redacted]' },
    });

    const outputs = new Map([
      ['price', tensor([[0.9, 0.1]])],
      ['cost', tensor([[0.9, 0.1]])],
    ]);
    const outputSources = new Map([
      ['price', 'y'],
      ['cost', 'y'],
    ]);
    const labelled = { outputs, outputSources, labels: ['secret', 'b'], labelSource: 'price' };
    const scores = { output: 'price', classes: ['secret', 'b'] };
    for (const name of ['price', 'cost', 'y']) {
      const text = JSON.stringify(record({ ...labelled, scores }, [name]));
      expect(text, name).not.toMatch(/secret|0\.9/);
    }
    expect(record({}, ['y'])).not.toHaveProperty('predictions');
    expect(record({ labels: ['secret'], labelSource: 'hidden' }, ['hidden'])).not.toHaveProperty('labels');
  });
});

describe('descriptions of large inputs', () => {
  it('count characters and words, and keep short texts', () => {
    expect(describeText('zwei  Wörter 😀', 1 / 3)).toEqual({
      ...{ text: 'zwei  Wörter 😀', length: 14, words: 3, unknown_share: 0.333333 },
    });
    const long = describeText(' a'.repeat(200));
    expect(long).toEqual({ md5: expect.stringMatching(/^[0-9a-f]{32}$/) as string, length: 400, words: 200 });
    expect(describeText('')).toEqual({ text: '', length: 0, words: 0 });
  });

  it('are made of texts, vectors and documents, and of nothing that is small', () => {
    for (const small of [1, null, true, 'word', [1, 2], { a: 1 }, []]) expect(keptValue(small)).toEqual(small);
    expect(keptValue(10n ** 20n)).toBe('100000000000000000000');
    expect(keptValue('x'.repeat(65))).toMatchObject({ length: 65 });
    const vector = Array.from({ length: 1_025 }, () => 1);
    expect(keptValue(vector)).toMatchObject({ shape: [1_025], projection: expect.any(Array) as number[] });
    expect(keptValue({ a: 'x'.repeat(5_000) })).toEqual({ md5: expect.any(String) as string });
    expect(keptValue([[1], [2, 3]])).toEqual([[1], [2, 3]]);
  });

  it('become columns of numbers', () => {
    expect(
      columnsOf({
        ...{ age: 5, gone: '[redacted]', none: null, one: [7], pair: [1, 2], deep: [[1], [2]] },
        ...{ text: describeText('a b', 0.5), hash: { md5: 'x' }, mixed: ['a', 1], doc: { a: 1 } },
      }),
    ).toEqual({
      ...{ age: 5, none: null, one: 7, 'pair[0]': 1, 'pair[1]': 2, 'deep[0]': 1, 'deep[1]': 2 },
      ...{ 'text.length': 3, 'text.words': 2, 'text.unknown_share': 0.5, mixed: '["a",1]', doc: '{"a":1}' },
    });
  });

  it('keep distances, whatever the vectors are', () => {
    const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
      Math.sqrt(Array.from(a).reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        let state = seed;
        const vector = Array.from({ length: 4_000 }, () => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
          return state / 2 ** 31 - 0.5;
        });
        const zero = vector.map(() => 0);
        const ratio = distance(project(vector), project(zero)) / distance(vector, zero);
        expect(ratio).toBeGreaterThan(0.6);
        expect(ratio).toBeLessThan(1.4);
        expect(project(vector)).toEqual(project(Float64Array.from(vector)));
      }),
      { numRuns: 50 },
    );
  });
});
