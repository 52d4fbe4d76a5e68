import { describe, expect, it } from 'vitest';

import { buildOnnx, type ModelParts, type Node, type Port } from '../../../test/support/onnx.ts';
import { readOnnx, servableInputs } from '../index.ts';
import { analyseRows } from './analyse.ts';

const x: Port = { name: 'x', type: 'float32', shape: ['N', 4] };
const y: Port = { name: 'y', type: 'float32', shape: ['N', 4] };

function verdict(nodes: readonly Node[], parts: Partial<ModelParts> = {}) {
  const bytes = buildOnnx({ inputs: [x], outputs: [y], nodes, ...parts });
  const inputs = servableInputs(readOnnx(bytes, 'test')) ?? [];
  return analyseRows(
    bytes,
    inputs,
    (parts.outputs ?? [y]).map(({ name }) => name),
  );
}

function ints(name: string, values: readonly number[], shape = [values.length]) {
  const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, type: 'int64', shape, raw } as const;
}

function floats(name: string, shape: readonly number[], value = 1) {
  const count = shape.reduce((all, size) => all * size, 1);
  const raw = new Uint8Array(new Float32Array(count).fill(value).buffer);
  return { name, type: 'float32', shape, raw } as const;
}

const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Node['attributes'] = [],
) => ({
  op,
  inputs,
  outputs,
  attributes,
});

describe('analyseRows', () => {
  it('finds rows apart through products, shapes computed from the input, and turns', () => {
    const attention = [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'zero'], ['n'], [{ name: 'axis', int: 0 }]),
      node('Concat', ['n', 'heads'], ['target'], [{ name: 'axis', int: 0 }]),
      node('Reshape', ['x', 'target'], ['split']),
      node('Transpose', ['split'], ['turned'], [{ name: 'perm', ints: [0, 2, 1] }]),
      node('MatMul', ['split', 'turned'], ['scores']),
      node('Softmax', ['scores'], ['weights'], [{ name: 'axis', int: -1 }]),
      node('MatMul', ['weights', 'split'], ['mixed']),
      node('Reshape', ['mixed', 'flat'], ['joined']),
      node('MatMul', ['joined', 'w'], ['y']),
    ];
    const weights = [ints('zero', [0]), ints('heads', [2, 2]), ints('flat', [-1, 4]), floats('w', [4, 4])];
    expect(verdict(attention, { weights })).toMatchObject({ mixing: undefined });
  });

  it.each([
    [
      'a sum over rows',
      [node('ReduceMax', ['x'], ['m'], [{ name: 'axes', ints: [-2] }]), node('Sub', ['x', 'm'], ['y'])],
    ],
    ['a sum over all', [node('ReduceMean', ['x'], ['m']), node('Sub', ['x', 'm'], ['y'])]],
    ['the old softmax from axis 0 on', [node('Softmax', ['x'], ['y'], [{ name: 'axis', int: 0 }])]],
    [
      'rows against rows',
      [node('Gemm', ['x', 'x'], ['s'], [{ name: 'transB', int: 1 }]), node('MatMul', ['s', 'x'], ['y'])],
    ],
    [
      'one scale for all',
      [node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']), node('DequantizeLinear', ['q', 's', 'z'], ['y'])],
    ],
    [
      'the number of rows',
      [
        node('Size', ['x'], ['n']),
        node('Cast', ['n'], ['f'], [{ name: 'to', int: 1 }]),
        node('Div', ['x', 'f'], ['y']),
      ],
    ],
    [
      'rows laid out as columns',
      [
        node('Transpose', ['x'], ['t']),
        node('Softmax', ['t'], ['s'], [{ name: 'axis', int: -1 }]),
        node('Transpose', ['s'], ['y']),
      ],
    ],
    ['chance', [node('RandomNormalLike', ['x'], ['r']), node('Add', ['x', 'r'], ['y'])]],
    ['an operator that is not known', [{ ...node('Blend', ['x'], ['y']), domain: 'com.example' }]],
  ])('calls %s mixing, and names the operator', (_, nodes) => {
    const { mixing } = verdict(nodes, { opset: 11 });
    expect(nodes.some(({ op }) => mixing?.includes(op))).toBe(true);
  });

  it('wants a row of every output for each row, and a free first size of every input', () => {
    const all: Port = { name: 'all', type: 'float32', shape: [1, 4] };
    const nodes = [node('Identity', ['x'], ['y']), node('Identity', ['w'], ['all'])];
    expect(verdict(nodes, { outputs: [y, all], weights: [floats('w', [1, 4])] }).mixing).toContain("'all'");
    expect(
      verdict([node('Add', ['x', 'b'], ['y'])], { inputs: [x, { ...x, name: 'b', shape: [1, 4] }] }).mixing,
    ).toContain("'b'");
  });

  it('tells what inputs choose from', () => {
    const ids: Port = { name: 'ids', type: 'int32', shape: ['N', 'S'] };
    const nodes = [
      node('Cast', ['ids'], ['wide'], [{ name: 'to', int: 7 }]),
      node('Gather', ['table', 'wide'], ['e'], [{ name: 'axis', int: 0 }]),
      node(
        'ReduceMean',
        ['e'],
        ['y'],
        [
          { name: 'axes', ints: [1] },
          { name: 'keepdims', int: 0 },
        ],
      ),
    ];
    const { mixing, choices } = verdict(nodes, { inputs: [ids], weights: [floats('table', [30, 4])] });
    expect(mixing).toBeUndefined();
    expect([...choices]).toEqual([['ids', 30]]);
  });
});
