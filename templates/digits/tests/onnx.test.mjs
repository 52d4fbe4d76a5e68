import assert from 'node:assert/strict';
import { test } from 'node:test';

import { constant, encodeModel, FLOAT, node, value } from '../src/onnx.mjs';

// The expected bytes are those that Python's `onnx` package writes for the same objects.

test('a node has its inputs, outputs, name, operator and attributes', () => {
  assertBytes(node('Softmax', ['x'], ['y'], { axis: 1 }), [
    '0a0178 120179', // input "x", output "y"
    '1a09 736f66746d61785f79', // name "softmax_y"
    '2207 536f66746d6178', // operator "Softmax"
    '2a0b 0a0461786973 1801 a00102', // attribute "axis": 1, an integer
  ]);
});

test('a constant has its shape and little-endian 32-bit numbers', () => {
  assertBytes(constant('w', [2, 1], [1, -2.5]), [
    '0802 0801 1001', // shape 2 by 1, float32
    '420177', // name "w"
    '4a08 0000803f 000020c0', // 1 and -2.5
  ]);
});

test('sizes above 127 take more than one byte, and a named size is a text', () => {
  assertBytes(value('in', FLOAT, ['N', 300], 'two'), [
    '0a02 696e', // name "in"
    '1210 0a0e 0801', // a tensor of float32
    '120a 0a03 12014e 0a03 08ac02', // sizes "N" and 300
    '1a03 74776f', // description "two"
  ]);
});

test('a model states its version, operator set and metadata', () => {
  const graph = { name: 'g', nodes: [], constants: [], inputs: [], outputs: [] };
  assertBytes(encodeModel({ producer: 'p', description: 'd', metadata: { k: 'v' }, graph }), [
    '0808 120170 320164', // IR version 8, producer "p", description "d"
    '3a03 120167', // graph "g"
    '4202 100d', // operator set 13
    '7206 0a016b 120176', // "k": "v"
  ]);
});

function assertBytes(bytes, hex) {
  assert.equal(bytes.toString('hex'), hex.join('').replaceAll(' ', ''));
}
