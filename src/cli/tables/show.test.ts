import fc from 'fast-check';
import { Meter, type Progress } from '../../base/index.ts';
import { describe, expect, it } from 'vitest';

import { describeProgress, ProgressLine } from '../terminal/progress-line.ts';
import { wantsColor } from '../terminal/style.ts';
import { textTable } from './text-table.ts';

describe('textTable', () => {
  it('aligns, and leaves out what matters least where it does not fit', () => {
    const header = [
      { title: 'run', drop: 0 },
      { title: 'accuracy', align: 'right' as const },
      { title: 'note', drop: 9 },
    ];
    const rows = [
      ['a1', '0.95', 'x'.repeat(24)],
      ['b22', '0.9', ''],
    ];
    expect(textTable(header, rows, 40)).toEqual([
      'run  accuracy  note',
      `a1       0.95  ${'x'.repeat(24)}`,
      'b22       0.9',
    ]);
    expect(textTable(header, rows, 20)).toEqual([
      'run  accuracy',
      'a1       0.95',
      'b22       0.9',
      'not shown, since th…',
    ]);
    expect(textTable(header, [['a', '1', 'x'.repeat(200)]], Infinity)[1]).toBe(`a           1  ${'x'.repeat(200)}`);
  });

  it('never exceeds the width while cells can still be cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string(), fc.string(), fc.string()), { maxLength: 5 }),
        fc.integer({ min: 40, max: 120 }),
        (rows, width) => {
          const lines = textTable([{ title: 'one' }, { title: 'two' }, { title: 'three' }], rows, width);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('progress', () => {
  it('shows name, count, rate and time left', () => {
    expect(describeProgress({ name: 'hashing data', unit: 'files', done: 2500, total: 10_000 }, 1000)).toBe(
      'hashing data  2,500/10,000 files  25%  2,500 files/s  3.0 s left',
    );
    expect(describeProgress({ name: 'push', unit: 'bytes', done: 1024 * 1024 }, 2000)).toBe('push  1.0 MiB  512 KiB/s');
  });

  it('measures by bytes where they are known, and says how far one large file is', () => {
    const MiB = 1024 * 1024;
    const one = { name: 'hashing big.bin', unit: 'files', done: 0, total: 1 } as const;
    expect(describeProgress({ ...one, bytes: { done: 25 * MiB, total: 100 * MiB } }, 1000)).toBe(
      'hashing big.bin  25 MiB/100 MiB  25%  25 MiB/s  3.0 s left',
    );
    const many = { name: 'pushing', unit: 'files', done: 3, total: 4 } as const;
    expect(describeProgress({ ...many, bytes: { done: 25 * MiB, total: 100 * MiB } }, 1000)).toBe(
      'pushing  3/4 files  25 MiB/100 MiB  25%  25 MiB/s  3.0 s left',
    );
    expect(describeProgress({ ...many, bytes: { done: 30 * MiB } }, 1000)).toBe(
      'pushing  3/4 files  30 MiB  75%  30 MiB/s  333 ms left',
    );
    expect(describeProgress({ ...many, bytes: { done: 0 } }, 0)).toBe('pushing  3/4 files  75%');
  });

  it('counts bytes of a work, takes back what broke off, and tells the sum once all sizes are known', () => {
    const told: Progress[] = [];
    const meter = new Meter((progress) => void told.push(progress), 'n', 2);
    meter.expect(10);
    meter.bytes(4);
    expect(told.at(-1)?.bytes).toEqual({ done: 4 });
    meter.bytes(-4);
    meter.expect(5);
    meter.bytes(15);
    meter.files(1);
    expect(told.at(-1)).toEqual({ name: 'n', unit: 'files', done: 1, total: 2, bytes: { done: 15, total: 15 } });
    meter.bytes(100);
    expect(told.at(-1)?.bytes?.done).toBe(15);
  });

  it('appears only after 0.3 s, redraws at most every 80 ms, and clears what it drew', () => {
    let now = 0;
    const written: string[] = [];
    const line = new ProgressLine(
      (text) => written.push(text),
      () => 80,
      () => now,
    );
    for (now = 1; now <= 700; now += 10) line.update({ name: 'n', unit: 'files', done: now });
    expect(written.length).toBeGreaterThan(2);
    expect(written.length).toBeLessThan(8);
    line.clear();
    expect(written.at(-1)).toBe('\r\u001b[K');
  });
});

describe('colours', () => {
  it('follow the flag, then NO_COLOR and FORCE_COLOR, then the terminal', () => {
    expect(wantsColor('always', false, { NO_COLOR: '1' })).toBe(true);
    expect(wantsColor('auto', true, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor('auto', false, { FORCE_COLOR: '1' })).toBe(true);
    expect(wantsColor('auto', true, { TERM: 'dumb' })).toBe(false);
    expect(wantsColor('auto', true, {})).toBe(true);
  });
});
