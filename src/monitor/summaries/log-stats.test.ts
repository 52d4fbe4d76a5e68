import * as fs from 'node:fs';
import * as path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import { temporaryFolder } from '../../../test/cli.ts';
import { predictionLine, type Entry } from '../entry.ts';
import { readEntries } from '../read-entries.ts';
import { SegmentWriter } from '../segment-writer.ts';
import { bucketStarts } from '../buckets.ts';
import { isSelected, type ModelStats, type StatsOptions } from '../stats.ts';
import { SummaryBuilder } from '../summary.ts';
import { logStats } from './log-stats.ts';
import { NumberSketch } from './number-sketch.ts';

let log: string;

beforeEach(() => {
  log = path.join(temporaryFolder(), 'predictions');
});

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -3, max: 3 }));
const value = fc.oneof(number, fc.boolean(), fc.constant(null), fc.string({ unit: 'binary', maxLength: 80 }));
const name = fc.oneof(fc.constantFrom('a', 'b', 'ä"\\'), fc.string({ minLength: 1, maxLength: 5 }));
const entry: fc.Arbitrary<Entry> = fc.record(
  {
    id: fc.oneof(fc.uuid(), fc.constantFrom('1', 'é', '"', 'x'.repeat(199))),
    at: fc.integer({ min: 0, max: 2e12 }),
    model: fc.constantFrom('m', 'n "q"'),
    version: fc.constantFrom('1', '10', '2'),
    arm: fc.constantFrom('canary'),
    inputs: fc.dictionary(name, value, { noNullPrototype: true, maxKeys: 5 }),
    prediction: fc.oneof(fc.constantFrom('cat', 'dog', 'größer'), number, fc.boolean()),
    scores: fc.dictionary(name, fc.double({ min: 0, max: 1, noNaN: true }), { noNullPrototype: true, maxKeys: 3 }),
    latency_ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
    error: fc.constantFrom('boom', 'line\nbreak'),
  },
  { requiredKeys: ['id', 'at', 'model'] },
);

/** With sums rounded: they are added up in another order. */
function rounded(stats: readonly ModelStats[]): unknown {
  const text = JSON.stringify(stats, (_key, given: unknown) =>
    typeof given === 'number' && !Number.isInteger(given) ? Number(given.toPrecision(9)) : given,
  );
  return JSON.parse(text);
}

function write(entries: readonly Entry[]): void {
  const writer = new SegmentWriter(log);
  for (const one of entries) writer.prediction(one);
  writer.finish();
}

const asked = async (options: StatsOptions = {}): Promise<unknown> => rounded(await logStats(log, options, 0));

/** The same by reading every record, in one go. */
async function read(options: StatsOptions = {}): Promise<unknown> {
  const { by, zone } = options;
  const start = by === undefined || by === 'version' ? undefined : bucketStarts(by, zone);
  const seen = new Set<string>();
  const models = new Map<string, Map<string, SummaryBuilder>>();
  for await (const one of readEntries(log)) {
    if (seen.has(one.id)) continue;
    seen.add(one.id);
    if (!isSelected(one, options)) continue;
    const parts = models.get(one.model) ?? new Map<string, SummaryBuilder>();
    models.set(one.model, parts);
    const names = ['', one.version && `version ${one.version}`, start && `bucket ${start(one.at)}`];
    for (const name of names) {
      if (name === undefined) continue;
      const part = parts.get(name) ?? new SummaryBuilder();
      parts.set(name, part);
      part.add(one);
    }
  }
  const byName = <Value>(map: ReadonlyMap<string, Value>): [string, Value][] =>
    [...map].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const found = byName(models).map(([model, parts]): ModelStats => {
    const of = (kind: string): ModelStats['versions'] =>
      Object.fromEntries(
        byName(parts).flatMap(([name, part]) =>
          name.startsWith(kind) ? [[name.slice(kind.length), part.finish()] as const] : [],
        ),
      );
    const all = parts.get('') ?? new SummaryBuilder();
    return { model, ...all.finish(), buckets: of('bucket '), versions: of('version ') };
  });
  return rounded(found);
}

const at = (id: number, more: Partial<Entry> = {}): Entry => ({
  ...{ id: String(id), at: 1_700_000_000_000 + id, model: 'm', version: '1' },
  ...{ inputs: { a: id / 7 }, prediction: id % 3, latency_ms: id % 11 },
  ...more,
});
const range = (from: number, to: number): Entry[] => Array.from({ length: to - from }, (_, i) => at(from + i));
const segments = (): string[] => fs.readdirSync(log).filter((file) => file.endsWith('.jsonl'));
const beside = (file: string): string => path.join(log, '.summaries', file);

describe('statistics by summaries', () => {
  it('are those of reading every record, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(entry, { minLength: 1, maxLength: 20 }), { maxLength: 3 }), async (parts) => {
        fs.rmSync(log, { recursive: true, force: true });
        for (const part of parts) write(part);
        const expected = await read();
        expect(await asked()).toEqual(expected);
        expect(await asked()).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('are those of a window and its buckets too, at first and from what was kept', async () => {
    const moment = fc.option(fc.integer({ min: 0, max: 2e12 }), { nil: undefined });
    const question: fc.Arbitrary<StatsOptions> = fc.record({
      since: moment,
      until: moment,
      by: fc.constantFrom(undefined, 'hour', 'day', 'week', 'version'),
      zone: fc.constantFrom(undefined, 'Europe/Berlin', 'Asia/Kolkata'),
      version: fc.constantFrom(undefined, '2'),
    });
    const parts = fc.array(fc.array(entry, { minLength: 1, maxLength: 20 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(parts, fc.array(question, { minLength: 1, maxLength: 4 }), async (given, questions) => {
        fs.rmSync(log, { recursive: true, force: true });
        for (const part of given) {
          write(part);
          for (const one of questions) {
            const expected = await read(one);
            expect(await asked(one)).toEqual(expected);
            expect(await asked(one)).toEqual(expected);
            expect(rounded(await logStats(log, one))).toEqual(expected);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('go on where a segment with buckets grew, and are made again where ids of it are damaged', async () => {
    const growing = path.join(log, 'predictions-99990101T000000000Z-growing.jsonl');
    write(range(0, 50));
    fs.writeFileSync(growing, '{"mlops_prediction_log":1}\n');
    const line = (id: number): string => predictionLine(at(id, { inputs: { text: 'x'.repeat(60) } }));
    for (const [from, to] of [
      [0, 9_000],
      [9_000, 9_100],
      [9_050, 18_200],
    ] as const) {
      fs.appendFileSync(growing, `${Array.from({ length: to - from }, (_, i) => line(from + i)).join('\n')}\n`);
      expect(await asked({ by: 'hour' })).toEqual(await read({ by: 'hour' }));
      const window = { since: at(20).at, until: at(9_060).at };
      expect(await asked(window)).toEqual(await read(window));
    }
    const ids = beside('predictions-99990101T000000000Z-growing');
    fs.truncateSync(ids, fs.statSync(ids).size - 8);
    const window = { since: at(20).at, until: at(60).at };
    expect(await asked(window)).toMatchObject([{ predictions: 40 }]);
  });

  it('read only what is new of a log that grows, and count an id once over all of it', async () => {
    for (let i = 0; i < 7; i++) write(range(100 * i, 100 * i + 100));
    expect(await asked()).toEqual(await read());
    expect(fs.existsSync(beside('merged'))).toBe(true);
    write([...range(50, 60), ...range(700, 720)]);
    expect(await asked()).toMatchObject([{ predictions: 720 }]);
    const growing = path.join(log, 'predictions-99990101T000000000Z-growing.jsonl');
    fs.writeFileSync(growing, '{"mlops_prediction_log":1}\n');
    for (let i = 0; i < 3; i++) {
      fs.appendFileSync(
        growing,
        `${range(800 + 10 * i, 815 + 10 * i)
          .map(predictionLine)
          .join('\n')}\n{"kind":`,
      );
      expect(await asked()).toEqual(await read());
      fs.truncateSync(growing, fs.statSync(growing).size - '{"kind":'.length);
    }
    expect(await asked()).toMatchObject([{ predictions: 755 }]);
  });

  it('are made again where a summary is missing or damaged, or its segment changed', async () => {
    for (let i = 0; i < 7; i++) write(range(100 * i, 110 + 100 * i));
    const expected = await read();
    expect(await asked()).toEqual(expected);
    for (const file of fs.readdirSync(path.join(log, '.summaries'))) {
      for (const spoil of [
        (one: string) => fs.rmSync(one),
        (one: string) => fs.truncateSync(one, 30),
        (one: string) => fs.writeFileSync(one, fs.readFileSync(one).fill(0x30, 25, 29)),
        (one: string) => fs.writeFileSync(one, fs.readFileSync(one).fill(0x30, fs.statSync(one).size - 4)),
      ]) {
        spoil(beside(file));
        expect(await asked()).toEqual(expected);
        expect(await asked()).toEqual(expected);
      }
    }
    write(range(0, 720));
    expect(await asked()).toMatchObject([{ predictions: 720 }]);
    const [first = ''] = segments().sort();
    const changed = fs.readFileSync(path.join(log, first), 'utf8').replaceAll('"m"', '"n"');
    fs.writeFileSync(path.join(log, first), changed);
    expect(await asked()).toEqual(await read());
  });

  it('count what was in a segment that is gone where it is still in another', async () => {
    for (let i = 0; i < 7; i++) write(range(0, 20 + i));
    expect(await asked()).toMatchObject([{ predictions: 26 }]);
    const [first = ''] = segments().sort();
    fs.rmSync(path.join(log, first));
    expect(await asked()).toMatchObject([{ predictions: 26 }]);
    expect(fs.existsSync(beside(first.replace('.jsonl', '')))).toBe(false);
  });

  it('need no place beside a log that can only be read or is small, and refuse a newer one', async () => {
    write(range(0, 10));
    await logStats(log, {});
    expect(fs.existsSync(beside(''))).toBe(false);
    fs.writeFileSync(path.join(log, '.summaries'), 'in the way');
    write(range(10, 20));
    expect(await asked()).toMatchObject([{ predictions: 20 }]);
    fs.writeFileSync(path.join(log, 'predictions-2.jsonl'), '{"mlops_prediction_log":2}\n');
    await expect(asked()).rejects.toMatchObject({ code: 'bad_json' });
  });
});

describe('a sketch', () => {
  it('is within 1 % of quantiles of many numbers, whichever way it was put together', () => {
    const sketches = [new NumberSketch(), new NumberSketch(), new NumberSketch()];
    const values: number[] = [];
    for (let i = 0; i < 150_000; i++) {
      const spread = Math.sin(i * 12.9898) * 43_758.5453;
      const next = Math.exp(3 * (spread - Math.floor(spread)) - 1) * (i % 10 === 0 ? -1 : 1);
      values.push(next);
      sketches[i % 3]?.add(next);
    }
    const [all = new NumberSketch(), ...others] = sketches;
    for (const one of others) all.merge(NumberSketch.fromState(one.toState()));
    values.sort((a, b) => a - b);
    const exact = [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1];
    const found = NumberSketch.fromState(all.toState()).finish(exact);
    for (const [i, q] of exact.entries()) {
      const wanted = values[Math.floor((values.length - 1) * q)] ?? 0;
      expect(Math.abs((found.quantiles[i] ?? 0) - wanted)).toBeLessThan(0.01 * Math.abs(wanted));
    }
    expect(found.mean).toBeCloseTo(values.reduce((sum, one) => sum + one, 0) / values.length, 9);
  });

  it('counts each of a few numbers, however often they come', () => {
    const sketch = new NumberSketch();
    for (let i = 0; i < 200_000; i++) sketch.add(i % 5);
    expect(sketch.finish([0, 0.1, 0.5, 0.9, 1])).toMatchObject({ quantiles: [0, 0, 2, 4, 4], mean: 2 });
  });
});
