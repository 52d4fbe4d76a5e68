import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { readCsv, writeCsv } from '../src/lib/csv.mjs';

test('what is written is read back, commas, quotes and line ends included', () => {
  const folder = mkdtempSync(join(tmpdir(), 'csv-'));
  const file = join(folder, 'table.csv');
  try {
    const rows = [['a,b', 'say "yes"'], ['two\nlines', '']];
    writeCsv(file, ['x', 'y'], rows);
    assert.deepEqual(readCsv(file), { columns: ['x', 'y'], rows });
    writeFileSync(file, '\uFEFFx;y\r\n1;2,5\r\n');
    assert.deepEqual(readCsv(file), { columns: ['x', 'y'], rows: [['1', '2,5']] });
    writeFileSync(file, 'x,y\n1\n');
    assert.throws(() => readCsv(file), /row 1 has 1 fields/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
