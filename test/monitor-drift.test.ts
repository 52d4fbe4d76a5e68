import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { command, freshProject, mlops, temporaryFolder } from './cli.ts';
import { bmp } from './support/bmp.ts';
import { commandLine } from './support/command-line.ts';

const csv = (header: string, rows: readonly string[]): string => `${[header, ...rows].join('\n')}\n`;
const ages = (from: number, count = 60): string[] =>
  Array.from({ length: count }, (_, i) => `${from + (i % 20) * 1.5},x`);

describe('monitor drift', () => {
  it('exits with 0, 1, 2 and 3 as documented, and names the line of a broken table', () => {
    const folder = temporaryFolder();
    const write = (name: string, text: string): void => fs.writeFileSync(path.join(folder, name), text);
    write('before.csv', csv('age,kind', ages(20)));
    write('same.csv', csv('age,kind', ages(20)));
    write('older.csv', csv('age,kind', ages(50)));
    write('few.csv', csv('age,kind', ages(50, 5)));
    write('ragged.csv', csv('age,kind', ['1,x', '2']));
    write('other.csv', csv('size', ['1']));
    const drift = (current: string, ...words: string[]) =>
      mlops(folder, ['monitor', 'drift', '--reference', 'before.csv', '--current', current, ...words]);
    expect(drift('same.csv').status).toBe(0);
    expect(drift('older.csv')).toMatchObject({ status: 1, stdout: expect.stringContaining('1 of 2 columns drifted') });
    expect(drift('few.csv').status).toBe(3);
    expect(drift('ragged.csv')).toMatchObject({ status: 2, stderr: expect.stringContaining('line 3') });
    expect(drift('none.csv').status).toBe(2);
    expect(drift('other.csv').status).toBe(2);
    expect(drift('same.csv', '--columns', 'agge')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("'age'"),
    });
    expect(drift('same.csv', '--method', 'kss').status).toBe(2);
    expect(drift('same.csv', '--level', '7').status).toBe(2);
    const few = JSON.parse(drift('few.csv', '--method', 'ks', '--json').stdout) as object;
    expect(few).toMatchObject({ drifted: false, verdict: 'too_few', columns: { age: { method: 'ks', n_current: 5 } } });
    const chosen = JSON.parse(
      drift('older.csv', '--categorical', 'age', '--columns', 'age', '--json').stdout,
    ) as object;
    expect(chosen).toMatchObject({ columns: { age: { method: 'chi2' } } });
  });

  it('compares with a revision, and with a window of the prediction log', () => {
    const folder = freshProject();
    fs.writeFileSync(path.join(folder, 'train.csv'), csv('age,kind', ages(20)));
    command(folder, 'git', ['add', '-A']);
    command(folder, 'git', ['commit', '-qm', 'one']);
    command(folder, 'git', ['tag', 'v1']);
    fs.writeFileSync(path.join(folder, 'train.csv'), csv('age,kind', ages(50)));
    const drift = (reference: string, current: string) =>
      mlops(folder, ['monitor', 'drift', '--reference', reference, '--current', current, '--json']);
    expect(drift('train.csv@v1', 'train.csv').status).toBe(1);
    expect(drift('train.csv@v2', 'train.csv').status).toBe(2);
    const records = ages(50).map((row) => {
      const [age, kind] = row.split(',');
      return JSON.stringify({ model: 'm', version: '1', inputs: { age: Number(age), kind }, prediction: 1 });
    });
    fs.writeFileSync(path.join(folder, 'p.jsonl'), records.join('\n'));
    expect(mlops(folder, ['monitor', 'log', 'p.jsonl']).status).toBe(0);
    expect(drift('train.csv', 'log:m?since=7d').status).toBe(0);
    expect(drift('train.csv@v1', 'log:models:/m/1').status).toBe(1);
    expect(drift('train.csv', 'log:m?wrong=1').status).toBe(2);
    expect(drift('train.csv', 'log:m?since=never').status).toBe(2);
  });

  it('compares with what a run or a version of a model was trained on, found by its content', () => {
    const folder = freshProject();
    fs.writeFileSync(path.join(folder, 'raw.csv'), csv('age,kind', ages(20)));
    fs.writeFileSync(path.join(folder, 'other.csv'), csv('age,kind', ages(90)));
    const yaml = `stages:
  prepare: {cmd: cp raw.csv train.csv, deps: [raw.csv], outs: [train.csv]}
  train: {cmd: "cat train.csv other.csv > model.bin", deps: [train.csv, other.csv], outs: [model.bin]}
`;
    fs.writeFileSync(path.join(folder, 'dvc.yaml'), yaml);
    command(folder, 'git', ['add', '-A']);
    command(folder, 'git', ['commit', '-qm', 'one']);
    expect(mlops(folder, ['repro', '-q']).status).toBe(0);
    const drift = (reference: string, current: string) =>
      mlops(folder, ['monitor', 'drift', '--reference', reference, '--current', current]);
    expect(drift('runs:/latest', 'raw.csv').status).toBe(0);
    expect(drift('runs:/latest#other.csv', 'raw.csv').status).toBe(1);
    expect(drift('runs:/latest/none.csv', 'raw.csv')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('raw.csv'),
    });
    // What was changed since is taken from the cache; what is in neither is said to be missing.
    fs.rmSync(path.join(folder, 'train.csv'));
    fs.writeFileSync(path.join(folder, 'train.csv'), csv('age,kind', ages(70)));
    expect(drift('runs:/latest', 'raw.csv').status).toBe(0);
    fs.rmSync(path.join(folder, '.dvc/cache'), { recursive: true });
    expect(drift('runs:/latest', 'raw.csv')).toMatchObject({ status: 2, stderr: expect.stringContaining('train.csv') });
  }, 60_000);

  it('compares folders of pictures by what they look like, also with what the log has of pictures', async () => {
    const folder = freshProject();
    const photos = (name: string, darker: number): void => {
      for (let i = 0; i < 60; i++) {
        const file = path.join(folder, name, i % 2 === 0 ? 'cat' : 'dog', `${i}.bmp`);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, bmp([200 - i - darker, 100 + i - darker, 80 - darker, 90]));
      }
    };
    photos('before', 0);
    command(folder, 'git', ['add', '-A']);
    command(folder, 'git', ['commit', '-qm', 'one']);
    photos('same', 0);
    photos('dark', 40);
    fs.writeFileSync(path.join(folder, 'dark', 'dog', 'x.bmp'), 'no picture');
    const drift = async (reference: string, current: string): Promise<[number, unknown]> => {
      const words = ['monitor', 'drift', '--reference', reference, '--current', current, '--json'];
      const { status, stdout } = await commandLine(folder, words);
      const { columns } = JSON.parse(stdout || '{"columns": {}}') as { columns: Record<string, { drifted: boolean }> };
      return [status, Object.fromEntries(Object.entries(columns).map(([name, { drifted }]) => [name, drifted]))];
    };
    const none = {
      class: false,
      readable: false,
      format: false,
      width: false,
      height: false,
      mode: false,
      bytes: false,
    };
    const same = { ...none, mean: false, standard_deviation: false, contrast: false };
    expect(await drift('before', 'same')).toEqual([0, same]);
    expect(await drift('before', 'dark')).toEqual([
      1,
      { ...same, mean: true, standard_deviation: expect.anything() as unknown, contrast: expect.anything() as unknown },
    ]);
    fs.rmSync(path.join(folder, 'before'), { recursive: true });
    photos('before', 40);
    expect(await drift('before@HEAD', 'same')).toEqual([0, same]);
    const seen = Array.from({ length: 60 }, (_, i) => ({
      'image.width': 4,
      'image.contrast': 0.2,
      'image.mean': 10 + i / 10,
    }));
    fs.writeFileSync(
      path.join(folder, 'p.jsonl'),
      seen.map((inputs) => JSON.stringify({ model: 'm', inputs })).join('\n'),
    );
    expect((await commandLine(folder, ['monitor', 'log', 'p.jsonl'])).status).toBe(0);
    expect(await drift('same', 'log:m')).toEqual([
      1,
      { 'image.width': false, 'image.contrast': true, 'image.mean': true },
    ]);
    fs.mkdirSync(path.join(folder, 'empty'));
    expect((await drift('empty', 'same'))[0]).toBe(2);
  });
});
