import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openTable, type Table } from '../tables/index.ts';
import { checkTable, inferSchema, formatSchema, parseDataSchema, type Expectation, type FileResult } from './index.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'quality-'))));
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

function table(name: string, content: string | Buffer, options = {}): Table {
  const file = path.join(dir, name);
  fs.writeFileSync(file, content);
  return openTable(file, { name, ...options });
}

async function check(data: Table, schema: string): Promise<FileResult> {
  return await checkTable(data, parseDataSchema(`version: 1\n${schema}`, 's.yaml'), {
    now: Date.UTC(2026, 0, 10),
    openOther: (name) => Promise.resolve(openTable(path.join(dir, name), { name })),
    compare: () => Promise.reject(new Error('nothing to compare')),
  });
}

const csv = (schema: string, text: string | Buffer, options = {}): Promise<FileResult> =>
  check(table('t.csv', text, options), schema);
const lines = (one: Expectation | undefined): unknown[] =>
  one?.result.failing.map(({ line, value }) => (value === null ? line : [line, value])) ?? ['no such expectation'];
const named = (result: FileResult, name: string, column?: string): Expectation | undefined =>
  result.expectations.find((one) => one.expectation === name && (column === undefined || one.column === column));
/** `type a` to its failing rows, for those that fail. */
const failures = (result: FileResult): Record<string, unknown[]> =>
  Object.fromEntries(
    result.expectations
      .filter((one) => !one.success)
      .map((one) => [[one.expectation, one.column ?? []].flat().join(' '), lines(one)]),
  );

describe('a column', () => {
  it('is judged by its type, nullability, range, set, expression, length, order and uniqueness', async () => {
    const schema = `columns:
  id: {type: integer, nullable: false, unique: true, order: increasing}
  age: {type: integer, nullable: false, min: 0, max: 120}
  city: {type: string, values: [Berlin, Bonn], nullable: false, min_length: 5, max_length: 6}
  start: {type: date, min: 2024-01-02}
  mail: {type: string, regex: '^[^@]+@[^@]+$'}
  flag: {type: boolean}
  gone: {type: string}
`;
    const text = `id,age,city,start,mail,flag
1,30,Berlin,2024-01-02,a@b,true
2,-5,Bonn,2024-01-01,bad,False
2,abc,Cologne,2024-02-30,c@d,maybe
1,,,,,
5,130.5,Bonn,2024-13-01,"x
y@z",TRUE
6,nan,Berlin,,,
`;
    const result = await csv(schema, text);
    expect(result).toMatchObject({ success: false, rows: 6 });
    expect(failures(result)).toEqual({
      'unique id': [
        [2, 1],
        [3, 2],
        [4, 2],
        [5, 1],
      ],
      'order id': [[5, 1]],
      'type age': [
        [4, 'abc'],
        [6, 130.5],
      ],
      'nullable age': [5, 8],
      'min age': [[3, -5]],
      'max age': [[6, 130.5]],
      'nullable city': [5],
      'values city': [[4, 'Cologne']],
      'length city': [
        [3, 'Bonn'],
        [4, 'Cologne'],
        [6, 'Bonn'],
      ],
      'type start': [
        [4, '2024-02-30'],
        [6, '2024-13-01'],
      ],
      'min start': [[3, '2024-01-01']],
      'regex mail': [[3, 'bad']],
      'type flag': [[4, 'maybe']],
      'column_exists gone': [],
    });
    expect(named(result, 'min', 'age')?.result).toMatchObject({
      element_count: 6,
      unexpected_count: 1,
      unexpected_percent: 100 / 6,
    });
    const mails = await csv('columns: {mail: {nullable: false, max_missing: 0.5}}', text);
    expect(failures(mails)).toEqual({ 'nullable mail': [5, 8] });
    expect((await csv('columns: {mail: {max_missing: 0.34}}', text)).success).toBe(true);
    expect((await csv('columns: {mail: {max_missing: 0.33}}', text)).success).toBe(false);
    expect((await csv('columns: {mail: {max_missing: 2}}', text)).success).toBe(true);
  });

  it('of typed formats is held against the types that they have', async () => {
    const rows = [
      '{"a":1,"b":"x","c":true,"d":"2024-01-01T10:00:00Z"}',
      '{"a":"1","b":2,"c":"true","d":"2024-01-01"}',
      '',
      '{"a":1.5,"d":"soon"}',
    ];
    const result = await check(
      table('t.jsonl', rows.join('\n')),
      'columns: {a: {type: integer}, b: {type: string, nullable: false}, c: {type: boolean}, d: {type: datetime}}',
    );
    expect(failures(result)).toEqual({
      'type a': [
        [2, '1'],
        [4, 1.5],
      ],
      'type b': [[2, 2]],
      'nullable b': [4],
      'type c': [[2, 'true']],
      'type d': [[4, 'soon']],
    });
  });

  it('counts exactly and names the first twenty', async () => {
    const text = `x\n${Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 'bad' : String(i))).join('\n')}\n`;
    const found = named(await csv('columns: {x: {type: number}}', text), 'type');
    expect(found?.result).toMatchObject({ element_count: 1000, unexpected_count: 500, unexpected_percent: 50 });
    expect(found?.result.failing.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => 2 + 2 * i));
  });

  it('is judged by its script and by traces of a wrong encoding, by line', async () => {
    const schema = 'columns:\n  t: {script: [Latin], mixed_scripts: false, encoding: clean, max_length: 20}\n';
    const text = 't,u\nGröße,1\nПривет,2\npаypal,3\ncafÃ©,4\n,5\ncaf\uFFFD,6\n';
    const expected = {
      'script t': [
        [3, 'Привет'],
        [4, 'pаypal'],
      ],
      'mixed_scripts t': [[4, 'pаypal']],
      'encoding t': [
        [5, 'cafÃ©'],
        [7, 'caf\uFFFD'],
      ],
    };
    expect(failures(await csv(schema, text))).toEqual(expected);
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.stringify({ t: line.split(',')[0] }));
    expect(failures(await check(table('t.jsonl', rows.join('\n')), schema))).toEqual(expected);
    const bad = csv(`columns: {t: {script: Latn, encoding: utf-8}}`, text);
    await expect(bad).rejects.toMatchObject({ code: 'bad_settings' });
  });

  it('may have any expression of RE2, which no text makes slow', async () => {
    const text = `x\n${'a'.repeat(50_000)}!\nab\n`;
    const found = await csv(`columns: {x: {regex: '^(a+)+$'}}`, text);
    expect(named(found, 'regex')?.result.unexpected_count).toBe(2);
    await expect(csv(`columns: {x: {regex: '(?=a)'}}`, text)).rejects.toMatchObject({
      code: 'bad_settings',
      exit: undefined,
    });
    // What runs in the language's own engine finds what RE2 does.
    const { RE2JS } = await import('re2js');
    const atom = fc.constantFrom(
      'a',
      '[ab]',
      '[^a]',
      String.raw`\d`,
      '.',
      String.raw`\.`,
      'b?',
      'a{1,2}',
      String.raw`\w+`,
      '-',
      '$',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(atom, { minLength: 1, maxLength: 5 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '1', '.', '-', 'é', '😀'), minLength: 1 }), {
          minLength: 1,
          maxLength: 5,
        }),
        async (atoms, texts) => {
          const pattern = `^${atoms.join('')}`;
          const result = await csv(`columns: {x: {regex: ${JSON.stringify(pattern)}}}`, `x\n${texts.join('\n')}\n`);
          const want = texts.filter((one) => !RE2JS.compile(pattern).matcher(one).find()).length;
          expect(named(result, 'regex')?.result.unexpected_count, pattern).toBe(want);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('rows', () => {
  it('are counted, and are the same once only, as are keys', async () => {
    const text = 'a,b,c\n1,x,\n1.0,x,\n2,,\n2,,\n,,3\n,,4\n1,y,5\n';
    expect(
      failures(await csv('columns: {a: {type: number}}\nrows: {min: 8, unique: true}\nkeys: [[a, b]]', text)),
    ).toEqual({
      row_count: [],
      unique: [2, 3, 4, 5],
      'unique a b': [
        [2, [1, 'x']],
        [3, [1, 'x']],
        [4, [2, null]],
        [5, [2, null]],
      ],
    });
    // Without a type, 1 and 1.0 are texts.
    expect(failures(await csv('keys: [[a, b]]\nrows: {max: 7}', text))).toEqual({
      'unique a b': [
        [4, ['2', null]],
        [5, ['2', null]],
      ],
    });
  });

  it('of any table are found twice as a plain search finds them', async () => {
    const cell = fc.constantFrom('', '1', '12', '2', 'a', '"1,2"');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell, fc.constant('z')), { maxLength: 30 }), async (rows) => {
        const texts = rows.map((row) => row.join(','));
        const result = await csv('rows: {unique: true}', `a,b,c\n${texts.join('\n')}\n`);
        const want = texts.flatMap((text, i) => (texts.indexOf(text) !== texts.lastIndexOf(text) ? [i + 2] : []));
        expect(lines(named(result, 'unique'))).toEqual(want.slice(0, 20));
        expect(named(result, 'unique')?.result.unexpected_count).toBe(want.length);
      }),
      { numRuns: 50 },
    );
  });

  it('are found twice among more than memory takes', async () => {
    const rows = Array.from({ length: 600_000 }, (_, i) => `k${i < 599_990 ? i : i - 500_000}`);
    const result = await csv('columns: {k: {unique: true}}', `k\n${rows.join('\n')}\n`);
    const found = named(result, 'unique');
    expect(found?.result.unexpected_count).toBe(20);
    expect(lines(found).slice(0, 2)).toEqual([
      [99_992, 'k99990'],
      [99_993, 'k99991'],
    ]);
    expect(lines(found).at(-1)).toEqual([600_001, 'k99999']);
  });

  it('keep rules between columns; what is missing is not judged', async () => {
    const text =
      'id,age,start,end,name,ok\n1,20,2024-01-01,2024-01-31,a b,true\n2,70,2024-02-01,2024-01-01,c,false\n3,,,2024-01-01,,\n';
    const rules: [string, number[]][] = [
      ['start <= end', [3]],
      ['end - start <= 29', [2]],
      ['not (id == 2 and age * 2 > 40)', [3]],
      ["name == 'a b' or ok", [3]],
      ['ok', [3]],
      ['18 <= age < 65', [3]],
      ['-(age) / 10 + 1 > -2 * 2', [3]],
      ["start >= '2024-01-15' or id != 1.0", [2]],
      ['`age` = 20 and true', [3]],
    ];
    for (const [rule, want] of rules) {
      const result = await csv(`rules: [${JSON.stringify(rule)}]`, text);
      expect(
        named(result, 'rule')?.result.failing.map(({ line }) => line),
        rule,
      ).toEqual(want);
    }
    await expect(csv('rules: ["strat < end"]', text)).rejects.toMatchObject({
      code: 'bad_settings',
      hint: "did you mean 'start'?",
    });
    for (const rule of [
      'a <',
      'a b',
      '(a',
      'a && b',
      '__import__("os")',
      '"open',
      `${'('.repeat(1000)}a`,
      '',
      '1 2',
      'x.constructor("1")()',
    ]) {
      await expect(csv(`rules: [${JSON.stringify(rule)}]`, text), rule).rejects.toMatchObject({ code: 'bad_settings' });
    }
  });

  it('agree with the language on arithmetic and comparisons', async () => {
    const number = fc.integer({ min: -9, max: 9 });
    const sum = fc.letrec<{ sum: string }>((tie) => ({
      sum: fc.oneof(
        { maxDepth: 4 },
        number.map(String),
        fc.constantFrom('a', 'b'),
        fc.tuple(tie('sum'), fc.constantFrom('+', '-', '*', '/'), tie('sum')).map(([l, o, r]) => `(${l} ${o} ${r})`),
        fc.tuple(tie('sum'), fc.constantFrom('+', '*'), tie('sum')).map(([l, o, r]) => `${l} ${o} ${r}`),
      ),
    })).sum;
    const rule = fc.tuple(sum, fc.constantFrom('<', '<=', '>', '>=', '==', '!='), sum).map((parts) => parts.join(' '));
    await fc.assert(
      fc.asyncProperty(rule, number, number, async (text, a, b) => {
        const result = await csv(`rules: [${JSON.stringify(text)}]`, `a,b\n${a},${b}\n`);
        const own = text.replaceAll('a', `(${a})`).replaceAll('b', `(${b})`);
        const want = runInNewContext(own.replaceAll('==', '===').replaceAll('!=', '!==')) as boolean;
        expect(named(result, 'rule')?.success, text).toBe(want);
      }),
      { numRuns: 100 },
    );
  });

  it('are fresh, balanced and not in the training data', async () => {
    const text = 'id,day,class\n1,2026-01-01,a\n2,2026-01-02 12:00,a\n3,,a\n4,2025-12-01,b\n';
    fs.writeFileSync(path.join(dir, 'train.jsonl'), '{"class":"a","id":3}\n{"class":"c","id":4,"more":1}\n');
    const schema = (rest: string): string => `columns: {id: {type: integer}, class: {values: [a, b, c]}}\n${rest}`;
    expect((await csv('freshness: {column: day, max_age: 8d}', text)).success).toBe(true);
    expect(failures(await csv('freshness: {column: word, max_age: 8d}', 'word\na\n'))).toEqual({
      'freshness word': [],
    });
    expect(failures(await csv('freshness: {column: day, max_age: 7d}', text))).toEqual({
      'freshness day': [[3, '2026-01-02T12:00:00.000Z']],
    });
    expect(failures(await csv('balance: {column: class, min_share: 0.3}', text))).toEqual({
      'balance class': [[5, 'b']],
    });
    expect(failures(await csv(schema('balance: {column: class, min_share: 0.25}'), text))).toEqual({
      'balance class': [[null, 'c']],
    });
    expect(failures(await csv(schema('leakage: {against: train.jsonl}'), text))).toEqual({
      'leakage id class': [[4, [3, 'a']]],
    });
    expect(failures(await csv(schema('leakage: {against: train.jsonl, keys: [id]}'), text))).toEqual({
      'leakage id': [
        [4, [3]],
        [5, [4]],
      ],
    });
    await expect(csv('leakage: {against: train.jsonl, keys: [idd]}', text)).rejects.toMatchObject({
      hint: "did you mean 'id'?",
    });
    await expect(csv('leakage: {against: none.csv}', text)).rejects.toMatchObject({ code: 'table_missing' });
  });

  it('that cannot be read as a table are a failure of the file, with its line', async () => {
    const schema = 'columns: {a: {type: integer}}';
    const wrong: [string, string | Buffer, number | undefined][] = [
      ['ragged.csv', 'a,b\n1,2\n3\n', 3],
      ['latin.csv', Buffer.from('a,b\n1,\xe4\n', 'latin1'), 2],
      ['open.csv', 'a,b\n1,"x\n', 2],
      ['empty.csv', '', undefined],
      ['cut.parquet', Buffer.from('PAR1half of it'), undefined],
      ['bad.jsonl', '{"a":1}\n{"a":\n', 2],
    ];
    for (const [name, content, line] of wrong) {
      const result = await check(table(name, content), schema);
      expect(result, name).toMatchObject({
        success: false,
        expectations: [],
        error: { message: expect.stringContaining(name) },
      });
      expect(result.error?.line, name).toBe(line);
    }
    expect((await csv(schema, Buffer.from('\ufeffa;b\r\n1;ä\r\n', 'utf16le'))).success).toBe(true);
    expect((await csv(schema, Buffer.from("\xef\xbb\xbfa|b\n1|'x|y'\n", 'latin1'), { quote: "'" })).success).toBe(true);
    expect(await csv(schema, 'a\n')).toMatchObject({ success: true, rows: 0 });
  });
});

describe('a schema', () => {
  it.each([
    ['columns: {a: {type: int}}', 'columns.a.type: expected integer or number'],
    ['columns: {a: {typ: integer}}', "unknown key 'typ' in columns.a"],
    ['columns: {a: {type: integer, min: x}}', "min 'x' is no integer"],
    ['columns: {a: {type: date, min: 2024-02-30}}', 'is no date'],
    ['columns: {a: {min: 3, max: 2}}', 'min is above max'],
    ['columns: {a: {max_missing: -1}}', 'max_missing'],
    ['columns: {a: {values: []}}', 'values'],
    ['rules: ["a <"]', 'ends too early'],
    ['balance: {column: a, min_share: 2}', 'min_share'],
    ['freshness: {column: a, max_age: 7 days}', 'max_age'],
    ['keys: [[]]', 'keys[0]'],
  ])('%s is refused', (text, message) => {
    expect(() => parseDataSchema(`version: 1\n${text}`, 's.yaml')).toThrow(
      expect.objectContaining({ code: 'bad_settings', message: expect.stringContaining(message) }),
    );
  });

  it('is inferred, and any table passes its own', async () => {
    const text =
      'id,x,class,day,at,on,none\n1,1.5,a,2024-01-01,2024-01-01T10:00:00Z,true,\n2,,b,2024-01-02,2024-01-01T09:00:00Z,false,\n3,2,a,2024-01-01,2024-01-03,true,\n4,2,b,,2024-01-03,true,\n';
    expect(await inferSchema(table('t.csv', text))).toEqual({
      version: 1,
      columns: {
        id: { type: 'integer', nullable: false, min: 1, max: 4, unique: true },
        x: { type: 'number', nullable: true, min: 1.5, max: 2 },
        class: { type: 'string', nullable: false, values: ['a', 'b'] },
        day: { type: 'date', nullable: true, min: '2024-01-01', max: '2024-01-02' },
        at: { type: 'datetime', nullable: false, min: '2024-01-01T09:00:00Z', max: '2024-01-03' },
        on: { type: 'boolean', nullable: false },
        none: { nullable: true },
      },
    });
    const word = fc.constantFrom(
      '',
      '1',
      '-2.5',
      '1e3',
      'nan',
      'inf',
      'true',
      'no',
      '2024-01-01',
      '2024-01-01 10:00',
      'null',
      '~',
      "it's",
      '{a: b}',
      '- x',
      '007',
      'é',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 12 }), async (rows) => {
        const data = table('t.csv', `a,b: c\n${rows.map((row) => row.join(',')).join('\n')}\n`);
        const schema = formatSchema(await inferSchema(data)).replace(/^version: 1\n/, '');
        expect(failures(await check(data, schema)), schema).toEqual({});
      }),
      { numRuns: 150 },
    );
  });
});
