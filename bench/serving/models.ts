import { buildOnnx, type Node, type Weights } from '../../test/support/onnx.ts';

/** Dense layers with Relu between them, seeded weights. */
export function mlp(sizes: readonly number[]): Uint8Array {
  const nodes: Node[] = [];
  const weights: Weights[] = [];
  let value = 'x';
  for (let i = 1; i < sizes.length; i++) {
    const [rows = 0, columns = 0] = [sizes[i - 1], sizes[i]];
    weights.push(weightsOf(`w${i}`, [rows, columns], i));
    const last = i === sizes.length - 1;
    nodes.push({ op: 'MatMul', inputs: [value, `w${i}`], outputs: [last ? 'y' : `m${i}`] });
    if (!last) nodes.push({ op: 'Relu', inputs: [`m${i}`], outputs: [`r${i}`] });
    value = `r${i}`;
  }
  return buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['N', sizes[0] ?? 0] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', sizes.at(-1) ?? 0] }],
    nodes,
    weights,
  });
}

/** Three convolutions with stride 2 over 3x32x32, then the mean of each of 32 channels, then 10 scores. */
export function cnn(): Uint8Array {
  const channels = [3, 16, 32, 32];
  const nodes: Node[] = [];
  const weights: Weights[] = [];
  let value = 'x';
  for (let i = 1; i < channels.length; i++) {
    weights.push(weightsOf(`w${i}`, [channels[i] ?? 0, channels[i - 1] ?? 0, 3, 3], i));
    const attributes = [
      { name: 'strides', ints: [2, 2] },
      { name: 'pads', ints: [1, 1, 1, 1] },
    ];
    nodes.push({ op: 'Conv', inputs: [value, `w${i}`], outputs: [`c${i}`], attributes });
    nodes.push({ op: 'Relu', inputs: [`c${i}`], outputs: [`r${i}`] });
    value = `r${i}`;
  }
  nodes.push({ op: 'GlobalAveragePool', inputs: [value], outputs: ['pool'] });
  nodes.push({ op: 'Flatten', inputs: ['pool'], outputs: ['flat'] });
  nodes.push({ op: 'MatMul', inputs: ['flat', 'w4'], outputs: ['y'] });
  weights.push(weightsOf('w4', [32, 10], 4));
  return buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 3, 32, 32] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', 10] }],
    nodes,
    weights,
  });
}

/** A matrix of 512 rows multiplied by itself `times` times: takes as long as is wanted. */
export function powers(times: number): Uint8Array {
  const nodes = Array.from({ length: times }, (_, i) => ({
    op: 'MatMul',
    inputs: [i === 0 ? 'big' : `t${i}`, 'big'],
    outputs: [`t${i + 1}`],
  }));
  const pick = {
    op: 'ReduceMean',
    inputs: [`t${times}`],
    outputs: ['mean'],
    attributes: [{ name: 'keepdims', int: 0 }],
  };
  return buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: [1, 512] }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes: [
      { op: 'MatMul', inputs: ['column', 'x'], outputs: ['big'] },
      ...nodes,
      pick,
      { op: 'Identity', inputs: ['mean'], outputs: ['y'] },
    ],
    weights: [weightsOf('column', [512, 1], 1)],
  });
}

function weightsOf(name: string, shape: readonly number[], seed: number): Weights {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Float32Array.from({ length: count }, (_, k) => Math.sin(k * 12.9898 + seed) / 16);
  return { name, type: 'float32', shape, raw: new Uint8Array(data.buffer) };
}
