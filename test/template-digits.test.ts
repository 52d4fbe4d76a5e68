/** The template digits: what it learns, what ONNX Runtime makes of its model, and what its reader of params accepts. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

import { read, render, runStages } from './template-project.ts';

interface Digit {
  pixels: number[];
  label: number;
}

let room: string;

beforeAll(() => {
  room = fs.mkdtempSync(path.join(os.tmpdir(), 'templates-'));
});

afterAll(() => fs.rmSync(room, { recursive: true, force: true }));

describe('the digits', () => {
  let folder: string;
  let holdout: Digit[];

  beforeAll(() => {
    folder = render(room, 'digits', 'trained');
    runStages(folder);
    holdout = JSON.parse(read(folder, 'data/holdout.json')) as Digit[];
  });

  it('are all used, each in one place', () => {
    const lines = ['train', 'test'].flatMap((part) => read(folder, `data/prepared/${part}.csv`).trimEnd().split('\n'));
    lines.push(...holdout.map(({ pixels, label }) => [...pixels, label].join(',')));
    expect(lines).toHaveLength(1797);
    expect(new Set(lines).size).toBe(1797);
    expect(holdout).toHaveLength(6);
  });

  it('are recognised with an accuracy above 0.95', () => {
    const metrics = JSON.parse(read(folder, 'metrics.json')) as Record<string, number>;
    expect(Object.keys(metrics)).toEqual(['accuracy', 'loss', 'macro_f1', 'n_test']);
    expect(metrics['accuracy']).toBeGreaterThan(0.95);
    expect(metrics['macro_f1']).toBeGreaterThan(0.95);
    const pairs = read(folder, 'plots/confusion.csv').trimEnd().split('\n').slice(1);
    expect(pairs).toHaveLength(metrics['n_test'] ?? 0);
    const right = pairs.filter((pair) => pair[0] === pair[2]).length;
    expect(right / pairs.length).toBeCloseTo(metrics['accuracy'] ?? 0, 6);
  });

  it('leave a loss curve with a line for every epoch', () => {
    const [header, ...lines] = read(folder, 'plots/loss.csv').trimEnd().split('\n');
    expect(header).toBe('epoch,loss,val_loss,val_accuracy');
    const rows = lines.map((line) => line.split(',').map(Number));
    expect(rows.map(([epoch]) => epoch)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(rows.at(-1)?.[1]).toBeLessThan((rows[0]?.[1] ?? 0) / 5);
  });

  it('get from ONNX Runtime what the weights say', async () => {
    const digits = [...holdout, ...readCsv(path.join(folder, 'data/prepared/test.csv'))];
    const session = await InferenceSession.create(path.join(folder, 'model.onnx'));
    expect([session.inputNames, session.outputNames]).toEqual([['pixels'], ['label', 'probabilities']]);
    const pixels = Float32Array.from(digits.flatMap((digit) => digit.pixels));
    const answer = await session.run({ pixels: new Tensor('float32', pixels, [digits.length, 64]) });
    const [label, probabilities] = [answer['label'], answer['probabilities']];
    expect([label?.type, label?.dims]).toEqual(['int64', [digits.length]]);
    expect([probabilities?.type, probabilities?.dims]).toEqual(['float32', [digits.length, 10]]);

    const expected = digits.map((digit) => forward(folder, digit.pixels));
    const values = probabilities?.data as Float32Array;
    for (const [index, value] of values.entries()) {
      expect(Math.abs(value - (expected[Math.floor(index / 10)]?.[index % 10] ?? NaN))).toBeLessThan(1e-5);
    }
    expect(Array.from(label?.data as BigInt64Array, Number)).toEqual(
      expected.map((row) => row.indexOf(Math.max(...row))),
    );
    await session.release();
  });

  it('come with unit tests that pass', () => {
    const result = spawnSync(process.execPath, ['--test'], { cwd: folder, encoding: 'utf8', env: plainEnv() });
    expect(result.stdout).toMatch(/^# pass 1\d$/m);
    expect(result.status, result.stdout).toBe(0);
  });

  it.each([
    ['hidden: 64', 'hidden: 0', 'params.yaml: "train.hidden" must be a whole number from 1, and is 0'],
    ['hidden: 64', 'hiden: 64', 'params.yaml: "train.hiden" is not a parameter of this stage'],
    ['  lr: 0.002', '', 'params.yaml: "train.lr" is missing'],
    ['hidden: 64', 'hidden: [64]', 'params.yaml, line 10: the value of "hidden" must be a number, and is "[64]"'],
    ['lr: 0.002', 'lr: 1e300', 'the weights have grown beyond all numbers: try a smaller train.lr'],
  ])('refuse the parameters with %s changed to "%s"', (from, to, message) => {
    const copy = render(room, 'digits', 'refuse');
    fs.cpSync(path.join(folder, 'data/prepared'), path.join(copy, 'data/prepared'), { recursive: true });
    const params = path.join(copy, 'params.yaml');
    fs.writeFileSync(params, fs.readFileSync(params, 'utf8').replace(from, to));
    const result = spawnSync(process.execPath, ['src/train.mjs'], { cwd: copy, encoding: 'utf8' });
    expect(result.stderr).toContain(`Error: ${message}`);
    expect(result.status).toBe(1);
  });
});

describe('the params reader of the digits', () => {
  const source = path.resolve(import.meta.dirname, '../templates/digits/src/params.mjs');
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const key = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,5}$/).filter((text) => text !== '__proto__' && text !== 'null');
  const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ weight: 4, arbitrary: number }, tie('tree')), { minKeys: 1, maxKeys: 4 }),
  }));
  let parseParams: (text: string) => unknown;

  beforeAll(async () => {
    ({ parseParams } = (await import(pathToFileURL(source).href)) as { parseParams: typeof parseParams });
  });

  it('reads every nesting of numbers as YAML does', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 1, max: 5 }), (value, indent) => {
        const text = stringify(value, { indent });
        expect(parseParams(text)).toEqual(parse(text));
      }),
    );
  });

  it('never reads a text otherwise than YAML does: it refuses', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      ':',
      ': ',
      ' ',
      '  ',
      '\n',
      '\n  ',
      '1',
      '-',
      '- ',
      '.5',
      'e3',
      '#',
      ' # c',
      '"',
    );
    const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
    let accepted = 0;
    fc.assert(
      fc.property(text, (content) => {
        const ours = attempt(() => parseParams(content));
        if (ours === undefined) return;
        accepted++;
        expect(emptyToNull(ours)).toEqual(parse(content) ?? null);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

/** The network once more, from weights.json and with the built-in Math: independent of the code of the template. */
function forward(folder: string, pixels: number[]): number[] {
  const { layers } = JSON.parse(read(folder, 'weights.json')) as {
    layers: { inputs: number; weights: number[]; biases: number[] }[];
  };
  let values = pixels.map((pixel) => pixel / 16);
  for (const [index, { inputs, weights, biases }] of layers.entries()) {
    const sums = biases.map((bias, output) =>
      values.reduce((sum, value, input) => sum + value * (weights[output * inputs + input] ?? NaN), bias),
    );
    values = index === layers.length - 1 ? sums.map(Math.exp) : sums.map((sum) => Math.max(sum, 0));
  }
  const total = values.reduce((a, b) => a + b);
  return values.map((value) => value / total);
}

function readCsv(file: string): Digit[] {
  const rows = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  return rows
    .map((row) => row.split(',').map(Number))
    .map((row) => ({ pixels: row.slice(0, 64), label: row[64] ?? NaN }));
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** A section without keys is null in YAML and {} for the reader, which then misses its parameters. */
function emptyToNull(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return entries.length === 0 ? null : Object.fromEntries(entries.map(([key, inner]) => [key, emptyToNull(inner)]));
}

/** Without this, Node's test runner takes itself for a child of vitest's and reports in binary. */
function plainEnv(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  return env;
}
