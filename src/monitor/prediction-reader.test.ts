import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { PredictionLog, readEntries, readLabels, readPredictionLog, SegmentWriter, type LogRecord } from './index.ts';
import type { ReadOptions } from './prediction-reader.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'reader-'))));
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

async function read(options: ReadOptions = {}): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of readPredictionLog(dir, options)) records.push(record);
  return records;
}

/** A segment of predictions at the times from `from` on, and their labels. */
function segment(from: number, count: number, label = false): string {
  const before = new Set(fs.readdirSync(dir));
  const writer = new SegmentWriter(dir);
  for (let at = from; at < from + count; at++) {
    // Some hundred bytes each, and an id that looks like a time.
    const inputs = { pad: { md5: 'x'.repeat(200) }, at: 5 };
    if (label) writer.feedback({ id: String(at), at, label: 'a' });
    else writer.prediction({ id: `","at":${at}`, at, model: 'm', inputs });
  }
  writer.finish();
  const [name = ''] = fs.readdirSync(dir).filter((one) => !before.has(one));
  return path.join(dir, name);
}

/** Makes records of a part of a file unreadable, without moving anything. */
function spoil(file: string, from: number, to: number): void {
  const bytes = fs.readFileSync(file);
  for (let at = from; at < to; at++) if (bytes[at] !== 0x0a) bytes[at] = 0x21;
  fs.writeFileSync(file, bytes);
}

describe('reading a part of the log', () => {
  it('gives the records of a time, and reads no segment and no block that has none of it', async () => {
    const old = segment(0, 100);
    const big = segment(1_000, 20_000);
    const late = segment(50_000, 100);
    const size = fs.statSync(big).size;
    expect(size).toBeGreaterThan(4 << 20);
    const skipped: string[] = [];
    const window = { since: 12_345, until: 12_355, onSkipped: (_file: string, line: string) => skipped.push(line) };
    const wanted = Array.from({ length: 10 }, (_, i) => 12_345 + i);
    expect((await read(window)).map(({ at }) => at)).toEqual(wanted);
    // What is not read cannot be found broken.
    const header = 27;
    spoil(old, header, fs.statSync(old).size - 1_000);
    spoil(late, header, fs.statSync(late).size - 1_000);
    spoil(big, header, 2 << 20);
    spoil(big, size - (1 << 20), size - 4_096);
    expect((await read(window)).map(({ at }) => at)).toEqual(wanted);
    expect(skipped).toEqual([]);
    expect(await read({ since: 60_000 })).toEqual([]);
  });

  it('reads what has no index: a segment under way, one that a crash left, one that was written on', async () => {
    const log = new PredictionLog({ directory: dir });
    log.append('{"kind":"prediction","id":"open","at":70,"model":"m"}');
    await log.flush();
    const written = segment(0, 10);
    fs.appendFileSync(written, '{"kind":"prediction","id":"more","at":80,"model":"m"}\n');
    const crashed = segment(100, 10);
    fs.truncateSync(crashed, fs.statSync(crashed).size - 300);
    const ids = (await read({ since: 60, until: 90 })).map((record) => record.kind === 'prediction' && record.id);
    expect(new Set(ids)).toEqual(new Set(['more', 'open']));
    expect((await read({ since: 100 })).length).toBeGreaterThan(7);
    await log.close();
    expect((await read({ since: 60, until: 75 })).map(({ at }) => at)).toEqual([70]);
    expect(await read({ since: 71, until: 75 })).toEqual([]);
  });

  it('looks for labels only where there are some', async () => {
    const predictions = segment(0, 1_000);
    segment(5, 3, true);
    spoil(predictions, 27, fs.statSync(predictions).size - 1_000);
    expect([...(await readLabels(dir)).keys()]).toEqual(['5', '6', '7']);
  });
});

describe('lines that are no record', () => {
  it('are left out and told of: each field has its type', async () => {
    const good = { kind: 'prediction', id: 'a', at: 1, model: 'm', outputs: {}, labels: ['x', null], scores: [{}, {}] };
    const lines = [
      ...['{', '[]', 'null', '7', '{"kind":"other"}', JSON.stringify({ ...good, kind: 'feedback' })],
      ...[{ at: 'x' }, { at: null }, { model: 5 }, { id: undefined }, { version: 3 }, { labels: 'x' }].map((change) =>
        JSON.stringify({ ...good, ...change }),
      ),
      ...[{ rows: [1] }, { inputs: [] }, { latency_ms: '3' }, { rows: [{}] }, { predictions: ['1'] }].map((change) =>
        JSON.stringify({ ...good, ...change }),
      ),
    ];
    const file = path.join(dir, 'predictions-20300101T000000000Z-00000000.jsonl');
    fs.writeFileSync(file, ['{"mlops_prediction_log":1}', ...lines, JSON.stringify(good), '{"kind":"pre'].join('\n'));
    fs.appendFileSync(file, '');
    const skipped: string[] = [];
    expect(await read({ onSkipped: (_file, line) => skipped.push(line) })).toEqual([JSON.parse(JSON.stringify(good))]);
    expect(skipped).toEqual(lines);
    fs.writeFileSync(file, '{"mlops_prediction_log":2}\n');
    await expect(read()).rejects.toMatchObject({ code: 'bad_json' });
  });
});

describe('the rows of a record', () => {
  it('are predictions of their own, with columns, answers and scores', async () => {
    const record = { kind: 'prediction', id: 'r', at: 1, model: 'm', version: '2', arm: 'b', latency_ms: 3 };
    const log = new PredictionLog({ directory: dir });
    for (const change of [
      { id: 'one', inputs: { x: [[1, 2]], s: [['a']] }, outputs: {}, labels: ['cat'], scores: [{ cat: 1, dog: 0 }] },
      {
        id: 'two',
        inputs: { x: { md5: 'f' } },
        outputs: {},
        rows: [{ age: 3 }, { age: null }],
        predictions: [7, null],
      },
      { id: 'few', inputs: {}, outputs: {}, rows: [{ age: 4 }], labels: ['a'], row_count: 500, row_at: [250] },
      { id: 'app', inputs: { text: 'w '.repeat(50) }, prediction: 'x', scores: { x: 1 } },
    ]) {
      log.append(JSON.stringify({ ...record, ...change }));
    }
    await log.close();
    const entries = [];
    for await (const entry of readEntries(dir)) entries.push(entry);
    const common = { at: 1, model: 'm', version: '2', arm: 'b', latency_ms: 3 };
    expect(entries).toEqual([
      {
        ...{ ...common, id: 'one', prediction: 'cat', scores: { cat: 1, dog: 0 } },
        inputs: { 'x[0]': 1, 'x[1]': 2, s: 'a' },
      },
      { ...common, id: 'two#0', prediction: 7, inputs: { age: 3 } },
      { ...common, id: 'two#1', inputs: { age: null } },
      { ...common, id: 'few#250', prediction: 'a', inputs: { age: 4 } },
      { ...common, id: 'app', prediction: 'x', scores: { x: 1 }, inputs: { 'text.length': 100, 'text.words': 50 } },
    ]);
  });
});
