import assert from 'node:assert/strict';
import { test } from 'node:test';

import { zerosLike } from '../src/adam.mjs';
import { activate, addGradient, createNetwork, lossOf, predict } from '../src/network.mjs';
import { createRandom } from '../src/random.mjs';

const random = createRandom(3);
const network = createNetwork([6, 5, 4, 3], random);
const pixels = Array.from({ length: 6 }, () => Math.floor(random() * 17));
const label = 1;

test('probabilities are positive and add up to 1', () => {
  const probabilities = predict(network, pixels);
  assert.equal(probabilities.length, 3);
  assert.ok(probabilities.every((p) => p > 0));
  assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-12);
});

test('the gradient is what a small change of each weight really does to the loss', () => {
  const gradient = zerosLike(network);
  addGradient(network, activate(network, pixels), label, gradient);
  for (const [index, layer] of network.entries()) {
    for (const part of ['weights', 'biases']) {
      for (const i of layer[part].keys()) {
        const measured = measureSlope(layer[part], i);
        assert.ok(Math.abs(measured - gradient[index][part][i]) < 1e-4, `layer ${index}, ${part}[${i}]`);
      }
    }
  }
});

function measureSlope(values, i) {
  const kept = values[i];
  values[i] = kept + 1e-3;
  const [above, right] = [values[i], lossOf(predict(network, pixels), label)];
  values[i] = kept - 1e-3;
  const [below, left] = [values[i], lossOf(predict(network, pixels), label)];
  values[i] = kept;
  return (right - left) / (above - below);
}
