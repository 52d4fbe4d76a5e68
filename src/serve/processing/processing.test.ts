import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { TensorInfo } from '../../model/index.ts';
import { loadProcessing } from './processing.ts';
import type { Processing } from './steps.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'processing-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

const matrix: TensorInfo = { name: 'x', dtype: 'float32', dims: ['N', 3] };
const scores: TensorInfo = { name: 'scores', dtype: 'float32', dims: ['N', 2] };

async function load(yaml: string, inputs: readonly TensorInfo[] = [matrix]): Promise<Processing> {
  fs.writeFileSync(path.join(dir, 'model.onnx'), '');
  fs.writeFileSync(path.join(dir, 'serving.yaml'), yaml);
  const processing = await loadProcessing(path.join(dir, 'model.onnx'), { inputs, outputs: [scores] });
  if (processing === undefined) throw new Error('serving.yaml was not found');
  return processing;
}

describe('table inputs', () => {
  const yaml = `
table:
  columns:
    - {name: age, type: integer, min: 0, max: 120}
    - {name: colour, categories: [red, green]}
    - {name: weight, default: 70.5}
`;

  it('become a matrix in the declared order, from one row, rows, or columns', async () => {
    const { input } = await load(yaml);
    const row = { weight: 1, age: 30, colour: 'green' };
    expect(input?.read(row)['x']).toMatchObject({ dims: [1, 3], data: Float32Array.of(30, 1, 1) });
    expect(input?.read([row, { age: 1, colour: 'red' }])['x']?.data).toEqual(Float32Array.of(30, 1, 1, 1, 0, 70.5));
    expect(input?.read({ age: [1, 2], colour: ['red', 'red'] })['x']?.dims).toEqual([2, 3]);
    expect(input?.read(input.example())['x']?.dims).toEqual([1, 3]);
  });

  it('are refused with place and reason', async () => {
    const { input } = await load(yaml);
    const why = (row: object): string => {
      try {
        input?.read(row as never);
        return 'accepted';
      } catch (error) {
        return `${(error as Error).message} ${(error as { hint?: string }).hint ?? ''}`;
      }
    };
    expect(why({ colour: 'red' })).toContain(
      'inputs[0].age: expected a integer (the column has no default), got nothing',
    );
    expect(why({ age: 1.5, colour: 'red' })).toContain('expected a integer, got 1.5');
    expect(why({ age: 121, colour: 'red' })).toContain('at most 120');
    expect(why({ age: 1, colour: 'blue' })).toContain('one of red, green');
    expect(why({ agee: 1, age: 1, colour: 'red' })).toMatch(/agee: there is no such column.*age/);
    expect(why({ age: [1, 2], colour: ['red'] })).toContain('inputs.colour: expected 2 values');
  });

  it('are checked against the model when it is loaded', async () => {
    await expect(load('table: {columns: [a]}')).rejects.toThrow("the input 'x' takes 3 columns, 1 are declared");
    await expect(load('table: {columns: [a]}', [matrix, { ...matrix, name: 'z' }])).rejects.toThrow(
      "column 'a' belongs to no input",
    );
  });
});

describe('outputs', () => {
  it('are named, scored and ranked', async () => {
    const { output } = await load(
      'outputs: [{name: scores, as: p, activation: softmax, labels: [no, yes], top_k: 2, threshold: 0.6}]',
    );
    const made = output?.apply({ scores: { dtype: 'float32', dims: [2, 2], data: Float32Array.of(0, 2, 0.1, 0) } }, {});
    expect(made?.labels).toEqual(['yes', 'unknown']);
    expect(made?.outputs['p']?.data[1]).toBeCloseTo(0.8808, 4);
    expect(made?.top?.[0]).toEqual([
      { label: 'yes', score: expect.closeTo(0.8808, 4) },
      { label: 'no', score: expect.closeTo(0.1192, 4) },
    ]);
  });

  it('pool over the tokens that the mask keeps and normalize', async () => {
    const { output } = await load('outputs: [{name: scores, as: v, pooling: mean, normalize: true}]');
    const hidden = { dtype: 'float32' as const, dims: [1, 3, 2], data: Float32Array.of(3, 0, 3, 8, 100, 100) };
    const mask = { dtype: 'int64' as const, dims: [1, 3], data: BigInt64Array.of(1n, 1n, 0n) };
    expect(
      Array.from(output?.apply({ scores: hidden }, { attention_mask: mask }).outputs['v']?.data as Float32Array),
    ).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
  });
});

describe('serving.yaml', () => {
  it.each([
    ['tabel: {}', 'tabel: expected only version, table, text, image, ensemble, outputs'],
    ['version: 2', 'version: expected 1, got 2'],
    ['table: {columns: [{type: number}]}', 'table.columns[0].name: expected a text, got nothing'],
    ['table: {columns: [{name: a, type: date}]}', 'expected number or integer or string or boolean, got "date"'],
    ['text: {tokenizer: ../../etc/passwd}', 'text.tokenizer: expected a file beside serving.yaml'],
    [
      'ensemble: {members: [{name: a, model: models:/m/1, inputs: {x: x}}], join: mean, labels: ../../etc/passwd}',
      'ensemble.labels: expected a list, or a file beside serving.yaml',
    ],
    ['text: {}', 'cannot be used'],
    ['outputs: [{name: nope}]', "names the output 'nope', the model has scores"],
    ['outputs: [{name: scores, activation: relu}]', 'outputs[0].activation: expected softmax or sigmoid'],
  ])('%s is refused', async (yaml, message) => {
    await expect(load(yaml)).rejects.toThrow(message);
  });

  it('belongs to a model alone in its folder, or to the one of its name', async () => {
    await load('version: 1');
    fs.writeFileSync(path.join(dir, 'other.onnx'), '');
    expect(await loadProcessing(path.join(dir, 'model.onnx'), { inputs: [matrix], outputs: [scores] })).toBeUndefined();
    fs.writeFileSync(path.join(dir, 'other.serving.yaml'), 'version: 1');
    expect(await loadProcessing(path.join(dir, 'other.onnx'), { inputs: [matrix], outputs: [scores] })).toBeDefined();
  });
});
