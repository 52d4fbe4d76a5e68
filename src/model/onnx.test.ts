import * as fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel, zipMapModel } from '../../test/support/onnx.ts';
import { MlopsError } from '../base/index.ts';
import { deriveExample, deriveSignature, readOnnx, rewriteZipMap, servableOutputs } from './index.ts';

describe('readOnnx', () => {
  it('reads header, metadata, inputs and outputs, and skips initializers', () => {
    const model = readOnnx(
      buildOnnx({
        inputs: [
          { name: 'x', type: 'float32', shape: ['N', 4, ''] },
          { name: 'w', type: 'float32', shape: [4] },
          { name: 'n', type: 'int64', shape: [] },
          { name: 'any', type: 'string' },
        ],
        outputs: [{ name: 'y', type: 'bool', shape: [2 ** 40] }],
        nodes: [],
        weights: [{ name: 'w', type: 'float32', shape: [4], raw: new Uint8Array(16) }],
        metadata: { classes: '["a","b"]' },
        opset: 21,
        producer: 'me',
      }),
      'm.onnx',
    );
    expect(model).toMatchObject({ irVersion: 8, producer: 'me', opsets: [{ domain: '', version: 21 }] });
    expect(model.metadata.get('classes')).toBe('["a","b"]');
    expect(model.inputs).toEqual([
      { name: 'x', type: 'tensor(float)', dtype: 'float32', dims: ['N', 4, ''] },
      { name: 'n', type: 'tensor(int64)', dtype: 'int64', dims: [] },
      { name: 'any', type: 'tensor(string)', dtype: 'string', dims: undefined },
    ]);
    expect(model.outputs[0]?.dims).toEqual([2 ** 40]);
  });

  it('names the types it cannot serve', () => {
    expect(readOnnx(identityModel('bfloat16'), 'm').inputs[0]).toMatchObject({
      type: 'tensor(bfloat16)',
      dtype: undefined,
    });
    expect(readOnnx(zipMapModel(2, ['a', 'b']), 'm').outputs[1]?.type).toBe('sequence(map(string,tensor(float)))');
  });

  it('refuses external data outside the model folder', () => {
    const outside = (external: string) =>
      buildOnnx({
        inputs: [],
        outputs: [{ name: 'y', type: 'float32' }],
        nodes: [],
        weights: [{ name: 'w', type: 'float32', shape: [4], raw: new Uint8Array(16), external }],
      });
    expect(readOnnx(outside('sub/w.data'), 'm').externalFiles).toEqual(['sub/w.data']);
    for (const path of ['../w', '/etc/passwd', 'a/../../w', 'C:\\w', '']) {
      expect(() => readOnnx(outside(path), 'm')).toThrow('outside its folder');
    }
  });

  it('answers garbage of any kind with model_broken and nothing else', () => {
    const good = linearModel(3, 2);
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(good.length - 1).map((end) => good.subarray(0, end)),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => good.map((b, i) => (i === at ? byte : b))),
    );
    fc.assert(
      fc.property(garbage, (bytes) => {
        try {
          readOnnx(bytes, 'm.onnx');
        } catch (error) {
          expect(error).toBeInstanceOf(MlopsError);
          expect((error as MlopsError).code).toBe('model_broken');
        }
      }),
      { numRuns: 2_000 },
    );
    for (const text of ['', 'not a model', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n']) {
      expect(() => readOnnx(Buffer.from(text), 'm.onnx')).toThrow("'m.onnx' is not an ONNX model");
    }
  });
});

describe('rewriteZipMap', () => {
  it('turns the maps into a float matrix that onnxruntime returns, and keeps names and classes', async () => {
    const classes = ['cat', 'dog', 'é'];
    const original = zipMapModel(4, classes);
    const model = readOnnx(original, 'm');
    expect(model.classes.get('output_probability')).toEqual(classes);
    const session = await InferenceSession.create(rewriteZipMap(original, 'm'));
    const { output_label: label, output_probability: scores } = await session.run({
      X: new Tensor('float32', Float32Array.of(1, 2, 3, 4, -1, 0, 1, 0), [2, 4]),
    });
    expect(label?.data).toHaveLength(2);
    expect(scores?.dims).toEqual([2, 3]);
    expect(
      Array.from((scores as Tensor).data as Float32Array)
        .slice(0, 3)
        .reduce((a, b) => a + b),
    ).toBeCloseTo(1, 6);
    expect(servableOutputs(model)[1]).toEqual({ name: 'output_probability', dtype: 'float32', dims: ['N', 3] });
    await session.release();
  });

  it('leaves other models as they are', () => {
    const bytes = linearModel(3, 2);
    expect(rewriteZipMap(bytes, 'm')).toBe(bytes);
  });
});

describe('signature and example', () => {
  it("are derived from the graph in MLflow's form", () => {
    const model = readOnnx(linearModel(3, 2), 'm');
    expect(deriveSignature(model)?.inputs).toBe(
      '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]',
    );
    expect(deriveExample(model)).toEqual({ x: [[0, 0, 0]] });
    expect(deriveExample(readOnnx(identityModel('string', ['N', 1]), 'm'))).toEqual({ x: [['example']] });
    expect(deriveExample(readOnnx(identityModel('float32', [1000, 1000]), 'm'))).toBeUndefined();
  });
});
