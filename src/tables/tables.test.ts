import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { parseNumber } from '../base/index.ts';
import { CellHash, loadBothColumns, loadColumns, openTable, readCsv, type Batch } from './index.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tables-'))));
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const made = path.join(dir, name);
  fs.writeFileSync(made, content);
  return made;
}

type Rows = { line: number; cells: (string | null)[] }[];

async function rowsOf(batches: AsyncIterable<Batch>): Promise<Rows> {
  const rows: Rows = [];
  for await (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      rows.push({ line: batch.line(row), cells: batch.columns.map((_, column) => batch.text(row, column)) });
    }
  }
  return rows;
}

const read = (name: string, content: string | Buffer, options = {}): Promise<Rows> =>
  rowsOf(openTable(file(name, content), options).batches());

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

describe('CSV', () => {
  it('gives back any table, however it is cut into chunks, with the line on which each row starts', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', '€', ',', '"', '\n', '\r', ' ', '1') });
    const table = fc.tuple(
      fc.array(fc.array(cell, { minLength: 3, maxLength: 3 })),
      fc.constantFrom('\n', '\r\n', '\r'),
    );
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 40 }), async ([rows, end], size) => {
        const lines = [['x', 'y', 'z'], ...rows].map((row) => row.map(quoted).join(','));
        const got = await rowsOf(readCsv(chunksOf(lines.join(end), size), 'it'));
        expect(got.map((row) => row.cells)).toEqual(rows.map((row) => row.map((text) => (text === '' ? null : text))));
        let line = 1;
        const starts = lines.map((text) => {
          const start = line;
          line += 1 + text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n').length - 1;
          return start;
        });
        // A field that ends in a carriage return joins the line end that follows only inside of quotes, which it has.
        expect(got.map((row) => row.line)).toEqual(starts.slice(1));
      }),
    );
  });

  it('knows the delimiter, marks, encodings, gzip and blank lines', async () => {
    const want = [
      { line: 2, cells: ['1', 'ä;'] },
      { line: 4, cells: [null, ' b '] },
    ];
    expect(await read('a.csv', 'x,y\n1,ä;\n\n,"" b \n'.replace('"" b ', '" b "'))).toEqual(want);
    expect(await read('b.csv', '\ufeffx;y\r\n1;"ä;"\r\n\r\n; b \r\n')).toEqual(want);
    expect(await read('c.tsv', 'x\ty\r1\tä;\r\r\t b ')).toEqual(want);
    expect(await read('d.csv.gz', gzipSync('x|y\n1|ä;\n\n| b '))).toEqual(want);
    expect(await read('e.csv', Buffer.from('\ufeffx,y\n1,ä;\n\n, b ', 'utf16le'))).toEqual(want);
    expect(
      await read('f.csv', Buffer.from("x,y\n1,'ä;'\n\n, b ", 'latin1'), { encoding: 'latin1', quote: "'" }),
    ).toEqual(want);
    expect(await read('g.csv', 'x\n"a""b" c\n')).toEqual([{ line: 2, cells: ['a"b c'] }]);
  });

  it('names the line of what it cannot read', async () => {
    const wrong: [string | Buffer, RegExp][] = [
      ['a,b\n"x\ny",2\n1\n', /line 4 has 1 field, the header has 2/],
      ['a,b\n1,2\n3,4,5\n', /line 3 has 3 fields/],
      ['a\n1\n"2\n3', /line 3 starts a quoted field that does not end/],
      [Buffer.from('a,b\n1,2\n\xe4,3\n', 'latin1'), /line 3 is not UTF-8/],
      ['', /is empty/],
      ['a,a\n1,2\n', /the column 'a' twice/],
    ];
    for (const [content, text] of wrong) {
      await expect(read('wrong.csv', content), String(content)).rejects.toMatchObject({
        code: 'bad_table',
        message: expect.stringMatching(text),
      });
    }
    await expect(read('cut.csv.gz', gzipSync('a\n'.repeat(1e5)).subarray(0, 60))).rejects.toThrow(
      /cut.csv.gz' is gzip that is cut short/,
    );
    for (const content of ['', 'PAR1', 'version https://git-lfs.github.com/spec/v1\n']) {
      await expect(read('wrong.parquet', content)).rejects.toThrow(/wrong.parquet' is no whole Parquet file/);
    }
    expect(() => openTable(path.join(dir, 'none.csv'))).toThrow(/does not exist/);
  });

  it('reads numbers as the language does, and only numbers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        async (numbers) => {
          const text = `x\n${numbers.map((value) => (Math.abs(value) < 1e6 ? value.toFixed(6) : String(value))).join('\n')}`;
          const { x } = Object.fromEntries(await loadColumns(openTable(file('n.csv', text))));
          const want = text.split('\n').slice(1).map(Number);
          expect(x).toMatchObject({ kind: 'number', values: Float64Array.from(want) });
        },
      ),
    );
    for (const text of ['', '0x10', '1_000', '1e', 'e5', '--1', '1.2.3', 'one', '.']) {
      expect(parseNumber(text), text).toBeUndefined();
    }
    expect([' 1 ', '+.5', '5.', '-inf', 'NaN'].map((text) => parseNumber(text))).toEqual([
      1,
      0.5,
      5,
      -Infinity,
      Number.NaN,
    ]);
  });
});

describe('columns', () => {
  it('are texts when one value is none, also when it comes late, with the spelling of all', async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => `${i % 10}.0,${i % 2 === 0 ? '' : i}`);
    const columns = await loadColumns(openTable(file('late.csv', ['a,b', ...rows, 'end,1'].join('\n'))));
    expect(columns.get('a')).toMatchObject({
      kind: 'category',
      rows: 200_001,
      missing: 0,
      categories: expect.arrayContaining(['9.0', 'end']),
    });
    expect(columns.get('b')).toMatchObject({ kind: 'number', rows: 200_001, missing: 100_000 });
  });

  it('of two large files are read at once, and those of one that is wrong are refused as ever', async () => {
    const rows = (from: number): string =>
      Array.from({ length: 700_000 }, (_, i) => `${from + i / 7},${i % 3 === 0 ? 'x' : 'y'}`).join('\n');
    const one = openTable(file('one.csv', `a,b\n${rows(0)}\n`));
    const other = openTable(file('other.csv', `a,b\n${rows(1)}\n`));
    const [first, second] = await loadBothColumns(one, other, {});
    for (const [columns, table] of [[first, one] as const, [second, other] as const]) {
      expect(columns.get('a')).toEqual((await loadColumns(table)).get('a'));
      expect(columns.get('b')).toMatchObject({ kind: 'category', rows: 700_000, categories: ['x', 'y'] });
    }
    fs.appendFileSync(path.join(dir, 'other.csv'), '1\n');
    await expect(loadBothColumns(one, other, {})).rejects.toMatchObject({ code: 'bad_table', data: { line: 700_002 } });
  });

  it('of JSON lines lack what a row lacks, and flatten objects', async () => {
    const text = '{"a":1,"in":{"x":"u"}}\n\n{"b":true}\n{"a":null,"in":{"x":"v"}}\n';
    const columns = await loadColumns(openTable(file('rows.jsonl', text)));
    expect(columns.get('a')).toMatchObject({ kind: 'number', rows: 3, missing: 2 });
    expect(columns.get('in.x')).toMatchObject({ categories: ['u', 'v'], codes: Int32Array.of(0, -1, 1) });
    expect(columns.get('b')).toMatchObject({ kind: 'category', missing: 2, categories: ['true'] });
    await expect(loadColumns(openTable(file('bad.jsonl', '{}\n{"a":\n')))).rejects.toThrow(/line 2 is no JSON/);
  });
});

describe('cells', () => {
  it('spell days as the calendar has them, by their bytes', async () => {
    const text = fc.oneof(
      fc
        .tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }))
        .map(([year, month, day]) =>
          [String(year).padStart(4, '0'), String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-'),
        ),
      fc.constantFrom(
        '2024-2-29',
        '2024/02/29',
        '2024-02-29T',
        'x024-02-29',
        '2000-02-29',
        '1900-02-29',
        '"2024-02-29"',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1 }), async (texts) => {
        const days: number[] = [];
        for await (const batch of readCsv(chunksOf(`d\n${texts.join('\n')}\n`, 1 << 16), 'd')) {
          for (let row = 0; row < batch.rows; row++) days.push(batch.day(row, 0));
        }
        const want = texts.map((one) => {
          const plain = one.replaceAll('"', '');
          const time = /^\d{4}-\d\d-\d\d$/.test(plain) ? Date.parse(`${plain}T00:00:00Z`) : Number.NaN;
          return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== plain ? Number.NaN : time;
        });
        expect(days).toEqual(want);
      }),
    );
  });

  it('are the same text and hash, whatever came before them in their slot', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', '€'), minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 60 }), async (texts) => {
        const hash = new CellHash();
        const keys = new Map<string, string>();
        const got: (string | null)[] = [];
        for await (const batch of readCsv(chunksOf(`c\n${texts.join('\n')}\n`, 1 << 16), 'c')) {
          for (let row = 0; row < batch.rows; row++) {
            const one = batch.text(row, 0) ?? '';
            got.push(one);
            hash.start();
            batch.hash(row, 0, hash);
            const key = [hash.a, hash.b, hash.c].join();
            expect(keys.get(key) ?? one).toBe(one);
            keys.set(key, one);
          }
        }
        expect(got).toEqual(texts);
        expect(keys.size).toBe(new Set(texts).size);
      }),
    );
  });
});
