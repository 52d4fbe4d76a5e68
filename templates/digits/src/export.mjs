// Stage 4: the network as model.onnx. Who calls the model sends plain pixels, 0 to 16: the scaling to 0..1 is part of the
// graph, so it cannot be forgotten.
//   input   pixels         float32 [N, 64]
//   output  label          int64   [N]       the digit
//   output  probabilities  float32 [N, 10]   how sure the network is of each
import { writeFileSync } from 'node:fs';

import { CLASSES, DARKEST, PIXELS } from './dataset.mjs';
import { readNetwork } from './network.mjs';
import { constant, encodeModel, FLOAT, INT64, node, value } from './onnx.mjs';

const bytes = encodeModel({
  producer: 'digits',
  description: 'Reads a handwritten digit, 0 to 9, from a picture of 8x8 grey pixels.',
  metadata: { classes: JSON.stringify(Array.from({ length: CLASSES }, (_, digit) => String(digit))) },
  graph: buildGraph(readNetwork('weights.json')),
});
writeFileSync('model.onnx', bytes);
console.log(`model.onnx: ${bytes.length} bytes`);

function buildGraph(network) {
  const nodes = [node('Div', ['pixels', 'darkest'], ['values_0'])];
  const constants = [constant('darkest', [], [DARKEST])];
  for (const [index, { inputs, outputs, weights, biases }] of network.entries()) {
    const last = index === network.length - 1;
    constants.push(
      constant(`weights_${index}`, [outputs, inputs], weights),
      constant(`biases_${index}`, [outputs], biases),
    );
    // Gemm is inputs x weights + biases; transB because our weights lie row by row for each output.
    nodes.push(
      node('Gemm', [`values_${index}`, `weights_${index}`, `biases_${index}`], [`sums_${index}`], { transB: 1 }),
    );
    nodes.push(
      last
        ? node('Softmax', [`sums_${index}`], ['probabilities'], { axis: 1 })
        : node('Relu', [`sums_${index}`], [`values_${index + 1}`]),
    );
  }
  nodes.push(node('ArgMax', ['probabilities'], ['label'], { axis: 1, keepdims: 0 }));
  return {
    name: 'digits',
    nodes,
    constants,
    inputs: [value('pixels', FLOAT, ['N', PIXELS], `8 rows of 8 pixels, from 0 (white) to ${DARKEST} (black)`)],
    outputs: [
      value('label', INT64, ['N'], 'the digit'),
      value('probabilities', FLOAT, ['N', CLASSES], 'how sure the network is of each digit, 0 to 9'),
    ],
  };
}
