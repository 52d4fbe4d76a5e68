import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { droppedSince } from './dropped-records.ts';
import { PredictionLog, readPredictionLog } from './index.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'predictions-'))));
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

async function readAll(): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const record of readPredictionLog(dir)) records.push(record);
  return records;
}

describe('the prediction log', () => {
  it('keeps what is appended, over restarts and segments, and skips a line that a crash cut', async () => {
    const first = new PredictionLog({ directory: dir, segmentSize: 100 });
    for (let i = 0; i < 3; i++) {
      first.append(JSON.stringify({ kind: 'prediction', id: String(i), at: i, model: 'm', pad: 'x'.repeat(100) }));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await first.close();
    const second = new PredictionLog({ directory: dir });
    second.append('{"kind":"feedback","prediction_id":"1","at":9,"label":"cat"}');
    await second.close();
    const [file = ''] = fs.readdirSync(dir);
    fs.appendFileSync(path.join(dir, file), '{"kind":"pre');
    expect(fs.readdirSync(dir).length).toBeGreaterThan(2);
    expect(await readAll()).toMatchObject([{ id: '0' }, { id: '1' }, { id: '2' }, { prediction_id: '1' }]);
    expect(first).toMatchObject({ logged: 3, dropped: 0 });
  });

  it('drops and counts what its queue cannot hold', async () => {
    const log = new PredictionLog({ directory: dir, maxPending: 1_000 });
    for (let i = 0; i < 100; i++) log.append('x'.repeat(99));
    expect(log.dropped).toBe(90);
    await log.close();
    expect(log.logged).toBe(10);
  });

  it('samples by share and by rate, and counts what it left out', () => {
    const log = new PredictionLog({ directory: dir, maxPerSecond: 10 });
    const now = Date.now();
    expect(Array.from({ length: 25 }, () => log.wants(now)).filter(Boolean)).toHaveLength(10);
    expect(log.wants(now + 1_000)).toBe(true);
    expect(log.sampledOut).toBe(15);
    expect(new PredictionLog({ directory: dir, sample: 0 }).wants()).toBe(false);
  });

  it('goes on counting when the disk refuses, says so once, and recovers', async () => {
    const said: string[] = [];
    const blocked = path.join(dir, 'file');
    fs.writeFileSync(blocked, '');
    const log = new PredictionLog({ directory: path.join(blocked, 'sub'), onTrouble: (line) => said.push(line) });
    log.append('{}');
    await new Promise((resolve) => setTimeout(resolve, 200));
    log.append('{}');
    await log.close();
    expect(log).toMatchObject({ logged: 0, dropped: 2 });
    expect(log.trouble).toContain('ENOTDIR');
    expect(said).toHaveLength(1);
  });

  it('takes records of two writers at a time', async () => {
    const writers = [new PredictionLog({ directory: dir }), new PredictionLog({ directory: dir })];
    for (let i = 0; i < 100; i++) {
      writers[i % 2]?.append(`{"kind":"prediction","id":"${i}","at":1,"model":"m"}`);
      if (i % 20 === 0) await writers[0]?.flush();
    }
    await Promise.all(writers.map((writer) => writer.close()));
    const ids = (await readAll()).map((record) => Number((record as { id: string }).id));
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('notes beside the segments what it lost, once', async () => {
    const before = Date.now();
    const log = new PredictionLog({ directory: dir, maxPending: 100 });
    log.append('{"kind":"prediction","id":"1","at":1,"model":"m"}');
    expect(log.append('x'.repeat(200), 3)).toBe(false);
    await log.flush();
    expect(droppedSince(dir, before)).toBe(3);
    expect(log.append('x'.repeat(200))).toBe(false);
    await log.close();
    expect(droppedSince(dir, before)).toBe(4);
    expect(droppedSince(dir, Date.now() + 1)).toBe(0);
    expect(droppedSince(path.join(dir, 'none'), 0)).toBe(0);
    expect(await readAll()).toMatchObject([{ id: '1' }]);
  });

  it('removes segments after their time', async () => {
    const old = path.join(dir, 'predictions-20200101T000000Z-00000000.jsonl');
    fs.writeFileSync(old, '{"mlops_prediction_log":1}\n');
    fs.utimesSync(old, 0, 0);
    const log = new PredictionLog({ directory: dir, retentionDays: 1 });
    log.append('{}');
    await log.close();
    expect(fs.existsSync(old)).toBe(false);
  });

  it('removes the oldest segments above a size, never the one that is written', async () => {
    for (let i = 0; i < 9; i++) {
      const name = `predictions-2020010${i}T000000Z-00000000.jsonl`;
      fs.writeFileSync(path.join(dir, name), `{"mlops_prediction_log":1}\n${'x'.repeat(1_000)}`);
    }
    const log = new PredictionLog({ directory: dir, segmentSize: 1_000, maxBytes: 5_500, retentionDays: 10_000 });
    log.append('{"id":"new"}');
    await log.close();
    const left = fs.readdirSync(dir).sort();
    expect(left.slice(0, -1).map((name) => name.slice(12, 20))).toEqual([
      '20200105',
      '20200106',
      '20200107',
      '20200108',
    ]);
    expect(fs.readFileSync(path.join(dir, left.at(-1) ?? ''), 'utf8')).toContain('new');
    const tiny = new PredictionLog({ directory: dir, maxBytes: 1 });
    tiny.append('{"kind":"prediction","id":"last","at":1,"model":"m"}');
    await tiny.close();
    expect(await readAll()).toMatchObject([{ id: 'last' }]);
  });

  it('begins anew when its segment is removed under it', async () => {
    const log = new PredictionLog({ directory: dir });
    log.append('{"kind":"prediction","id":"1","at":1,"model":"m"}');
    await new Promise((resolve) => setTimeout(resolve, 200));
    fs.rmSync(dir, { recursive: true });
    log.append('{"kind":"prediction","id":"2","at":1,"model":"m"}');
    await log.close();
    expect(await readAll()).toMatchObject([{ id: '2' }]);
    expect(fs.statSync(dir).mode & 0o777).toBe(0o700);
  });

  it('takes as much feedback a second as predictions, whatever share of those it logs', () => {
    const log = new PredictionLog({ directory: dir, maxPerSecond: 10, sample: 0 });
    const now = Date.now();
    expect(Array.from({ length: 25 }, () => log.takesFeedback(1, now)).filter(Boolean)).toHaveLength(10);
    expect(log.takesFeedback(1, now + 1_000)).toBe(true);
    // A batch is taken whole or not; one alone in its second always is.
    expect(log.takesFeedback(10, now + 1_000)).toBe(false);
    expect(log.takesFeedback(50, now + 2_000)).toBe(true);
  });

  it('refuses a log of another format', async () => {
    fs.writeFileSync(path.join(dir, 'predictions-2030-x.jsonl'), '{"mlops_prediction_log":2}\n');
    await expect(readAll()).rejects.toMatchObject({ code: 'bad_json' });
  });
});
