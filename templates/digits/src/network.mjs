// A network of fully connected layers: layer by layer outputs = weights x inputs + biases, negative outputs set to 0
// (ReLU) everywhere but in the last layer, whose outputs become probabilities (softmax).
//
// A network is an array of layers { inputs, outputs, weights: Float32Array(outputs * inputs), biases: Float32Array(outputs) };
// the weights of one output lie next to each other. Numbers are kept in 32 bits, as ONNX will keep them, and added up in 64.
import { readFileSync } from 'node:fs';

import { DARKEST } from './dataset.mjs';
import { exp, log } from './exact-math.mjs';

/** A network with random weights; `sizes` is the number of values between layers, as in [64, 32, 10]. */
export function createNetwork(sizes, random) {
  return sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index];
    // He's rule: the more inputs are added up, the smaller each weight, so that no layer starts out deaf or deafening.
    const limit = Math.sqrt(6 / inputs);
    const weights = Float32Array.from({ length: outputs * inputs }, () => (2 * random() - 1) * limit);
    return { inputs, outputs, weights, biases: new Float32Array(outputs) };
  });
}

/** What each layer hands on for one picture: the pixels scaled to 0..1, every layer's outputs, the probabilities last. */
export function activate(network, pixels) {
  const values = [Float64Array.from(pixels, (pixel) => pixel / DARKEST)];
  for (const [index, layer] of network.entries()) {
    const sums = addUp(layer, values[index]);
    values.push(index === network.length - 1 ? softmax(sums) : sums.map((sum) => (sum > 0 ? sum : 0)));
  }
  return values;
}

/** Ten probabilities, one for each digit. */
export function predict(network, pixels) {
  return activate(network, pixels).at(-1);
}

/** How surprised the network was by the true label: 0 if it was certain, growing without limit as it was wrong. */
export function lossOf(probabilities, label) {
  const probability = probabilities[label];
  if (Number.isNaN(probability)) throw new Error('the weights have grown beyond all numbers: try a smaller train.lr');
  // A probability may underflow to 0, whose logarithm is no number.
  return -log(Math.max(probability, 1e-300));
}

/** The position of the largest value; of equal ones the first, as ONNX's ArgMax. */
export function largest(values) {
  return values.indexOf(values.reduce((best, value) => (value > best ? value : best)));
}

/**
 * Adds to `gradient` ([{ weights, biases }], one for each layer) how the loss for this one picture would change with each
 * weight (backpropagation). `values` is what `activate` returned for the picture.
 */
export function addGradient(network, values, label, gradient) {
  // For softmax with this loss the slope at the last sums is simply: what was said minus what is true.
  let slope = values.at(-1).map((probability, digit) => probability - (digit === label ? 1 : 0));
  for (let index = network.length - 1; index >= 0; index--) {
    const inputs = values[index];
    const { weights, biases } = gradient[index];
    for (let output = 0, at = 0; output < slope.length; output++) {
      const outputSlope = slope[output];
      biases[output] += outputSlope;
      for (let input = 0; input < inputs.length; input++, at++) weights[at] += outputSlope * inputs[input];
    }
    if (index > 0) slope = slopeBelow(network[index], inputs, slope);
  }
}

/** The network as text. A 32-bit number survives this unchanged: JSON keeps every digit it needs. */
export function networkToJson(network) {
  const layers = network.map((layer) => ({ ...layer, weights: [...layer.weights], biases: [...layer.biases] }));
  return JSON.stringify({ layers }) + '\n';
}

export function readNetwork(path) {
  const { layers } = JSON.parse(readFileSync(path, 'utf8'));
  return layers.map((layer) => ({
    ...layer,
    weights: Float32Array.from(layer.weights),
    biases: Float32Array.from(layer.biases),
  }));
}

function addUp({ inputs, outputs, weights, biases }, values) {
  const sums = new Float64Array(outputs);
  for (let output = 0, at = 0; output < outputs; output++) {
    let sum = biases[output];
    for (let input = 0; input < inputs; input++, at++) sum += weights[at] * values[input];
    sums[output] = sum;
  }
  return sums;
}

/** The slope at a layer's inputs from the slope at its outputs. Where ReLU let nothing through, nothing flows back. */
function slopeBelow({ inputs, outputs, weights }, values, slope) {
  const below = new Float64Array(inputs);
  for (let output = 0, at = 0; output < outputs; output++) {
    const outputSlope = slope[output];
    for (let input = 0; input < inputs; input++, at++) {
      if (values[input] > 0) below[input] += outputSlope * weights[at];
    }
  }
  return below;
}

function softmax(sums) {
  // Subtracting the largest changes nothing in the result and keeps exp from overflowing.
  const top = Math.max(...sums);
  const powers = sums.map((sum) => exp(sum - top));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}
