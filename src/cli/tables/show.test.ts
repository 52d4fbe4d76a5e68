import fc from 'fast-check';
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
    expect(textTable(header, rows, 20)).toEqual(['run  accuracy', 'a1       0.95', 'b22       0.9']);
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
