import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { freshProject, mlops, temporaryFolder } from './cli.ts';
import { bmp } from './support/bmp.ts';
import { commandLine } from './support/command-line.ts';

describe('check data', () => {
  it('exits with 0, 1 and 2 as documented, in every format', async () => {
    const folder = temporaryFolder();
    const write = (name: string, text: string): void => fs.writeFileSync(path.join(folder, name), text);
    write('good.csv', 'id,age\n1,20\n2,30\n3,40\n');
    write('bad.csv', 'id,age\n1,20\n1,-3\n');
    write('ragged.csv', 'id,age\n1,20\n2\n');
    const check = (...words: string[]) => commandLine(folder, ['check', 'data', ...words]);
    expect(await check('infer', 'good.csv')).toMatchObject({ status: 0, stderr: expect.stringContaining('wrote') });
    expect(await check('infer', 'good.csv')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('exists already'),
    });
    expect(await check('good.csv')).toMatchObject({ status: 0, stdout: expect.stringContaining('✓ good.csv: 3 rows') });
    const bad = await check('good.csv', 'bad.csv', 'ragged.csv', '--json', '--metrics', 'quality.json');
    expect(bad.status).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      success: false,
      files: [
        { file: 'good.csv', success: true },
        {
          file: 'bad.csv',
          success: false,
          expectations: expect.arrayContaining([
            expect.objectContaining({
              expectation: 'min',
              column: 'age',
              success: false,
              result: {
                element_count: 2,
                unexpected_count: 1,
                unexpected_percent: 50,
                failing: [{ line: 3, value: -3 }],
              },
            }),
          ]) as unknown,
        },
        { file: 'ragged.csv', success: false, error: { line: 3 } },
      ],
    });
    expect(JSON.parse(fs.readFileSync(path.join(folder, 'quality.json'), 'utf8'))).toMatchObject({
      success: 0,
      files: { 'good.csv': { failed: 0 }, 'bad.csv': { failed: 2, unexpected: 3 }, 'ragged.csv': { unreadable: 1 } },
    });
    expect((await check('bad.csv')).stdout).toContain('line 3: -3');
    const formats: [string, RegExp][] = [
      ['junit', /<testsuite name="bad.csv" tests="\d+" failures="2".*\n[^]*<failure message="expected at least 20/],
      ['sarif', /"ruleId": ?"min".*"startLine": ?3/],
      ['github', /^::error file=bad.csv,line=3,title=age min::.*\n[^]*\| ❌ \| age min \|/m],
      ['html', /^<!doctype html>[^]*<td>age min<\/td>/],
    ];
    for (const [format, text] of formats) {
      expect(await check('bad.csv', '--format', format), format).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(text),
      });
    }
    expect(mlops(folder, ['check', 'data', 'bad.csv']).status).toBe(1);
    expect((await check('none.csv')).status).toBe(2);
    expect((await check('good.csv@v1')).status).toBe(2);
    write('far.yaml', 'version: 1\ndrift: {reference: far.csv}\n');
    write('far.csv', 'size\n1\n');
    expect(await check('good.csv', '--schema', 'far.yaml')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("drift: 'far.csv' and 'good.csv' have no column in common"),
    });
    expect((await check('good.csv', '--schema', 'none.yaml')).status).toBe(2);
    expect((await check()).status).toBe(2);
    write('typo.yaml', 'version: 1\ncolums: {}\n');
    expect(await check('good.csv', '--schema', 'typo.yaml')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/typo.yaml:2: unknown key 'colums'[^]*did you mean 'columns'/),
    });
  });

  it('is a stage whose metrics are shown, compares with a reference, and finds paths beside the schema', () => {
    const folder = freshProject();
    const rows = (from: number): string => Array.from({ length: 60 }, (_, i) => `${from + (i % 20)}`).join('\n');
    fs.mkdirSync(path.join(folder, 'data'));
    fs.writeFileSync(path.join(folder, 'data/before.csv'), `age\n${rows(20)}\n`);
    fs.writeFileSync(path.join(folder, 'now.csv'), `age\n${rows(50)}\n`);
    fs.writeFileSync(path.join(folder, 'data/schema.yaml'), 'version: 1\ndrift: {reference: before.csv}\n');
    const found = mlops(folder, ['check', 'data', 'now.csv', '--schema', 'data/schema.yaml', '--json']);
    expect(JSON.parse(found.stdout)).toMatchObject({
      files: [{ expectations: [{ expectation: 'drift', column: 'age', success: false }] }],
    });
    fs.writeFileSync(
      path.join(folder, 'dvc.yaml'),
      `stages:\n  check:\n    cmd: ${process.execPath} ${path.resolve('bin/mlops.js')} check data data/before.csv --schema data/schema.yaml --metrics quality.json\n    deps: [data/before.csv]\n    metrics: [{quality.json: {cache: false}}]\n`,
    );
    expect(mlops(folder, ['repro']).status).toBe(0);
    const metrics = JSON.parse(mlops(folder, ['metrics', 'show', '--json']).stdout) as object;
    expect(metrics).toMatchObject({ '': { data: { 'quality.json': { data: { success: 1, failed: 0 } } } } });
  });

  it('takes a folder of pictures as a table of them', async () => {
    const folder = temporaryFolder();
    const grey = (level: number): Buffer => bmp([level, level, level, level]);
    const put = (name: string, bytes: Buffer): void => {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), bytes);
    };
    for (let i = 0; i < 6; i++) put(`photos/${i % 2 === 0 ? 'cat' : 'dog'}/${i}.bmp`, grey(10 * i));
    put('photos/notes.txt', Buffer.from('no picture'));
    expect((await commandLine(folder, ['check', 'data', 'infer', 'photos', '--out', 's.yaml'])).status).toBe(0);
    const schema = fs.readFileSync(path.join(folder, 's.yaml'), 'utf8');
    expect(schema).toMatch(/class:\n {4}type: string\n {4}nullable: false\n {4}values:\n {4,6}- cat\n {4,6}- dog/);
    expect(schema).toMatch(/width:\n {4}type: integer\n {4}nullable: false\n {4}min: 4\n {4}max: 4/);
    expect((await commandLine(folder, ['check', 'data', 'photos', '--schema', 's.yaml'])).status).toBe(0);
    put('photos/dog/6.bmp', grey(10).subarray(0, 40));
    put('photos/dog/7.bmp', grey(10));
    const found = await commandLine(folder, ['check', 'data', 'photos', '--schema', 's.yaml', '--json']);
    const failed = (
      JSON.parse(found.stdout) as {
        files: { expectations: { expectation: string; column: string; success: boolean }[] }[];
      }
    ).files.flatMap(({ expectations }) =>
      expectations.filter(({ success }) => !success).map(({ expectation, column }) => `${column} ${expectation}`),
    );
    expect([found.status, failed]).toEqual([1, expect.arrayContaining(['width nullable', 'md5 unique'])]);
    expect((await commandLine(folder, ['check', 'data', '.git', '--schema', 's.yaml'])).status).toBe(2);
  });
});
