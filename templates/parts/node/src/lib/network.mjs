// A network of fully connected layers: outputs = weights x inputs + biases, negative outputs set to 0 (ReLU) everywhere
// but in the last layer. What the last layer says is turned into probabilities (head 'softmax') or taken as it is (head
// 'linear', for numbers). Without a layer in between it is logistic or linear regression.
//
// A network is { head, layers: [{ inputs, outputs, weights, biases }] }; the weights of one output lie next to each other.
// Numbers are kept in 32 bits, as ONNX will keep them, and added up in 64. Trained with Adam (Kingma and Ba, 2014).
import { readJson, writeFile } from './files.mjs';
import { exp, log } from './exact-math.mjs';
import { shuffle } from './random.mjs';

const KEEP_SLOPE = 0.9;
const KEEP_SQUARE = 0.999;

/** A network with random weights; `sizes` is the number of values between layers, as in [64, 32, 10]. */
export function createNetwork(sizes, head, random) {
  const layers = sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index];
    // He's rule: the more inputs are added up, the smaller each weight, so that no layer starts out deaf or deafening.
    const limit = Math.sqrt(6 / inputs);
    const weights = Float32Array.from({ length: outputs * inputs }, () => (2 * random() - 1) * limit);
    return { inputs, outputs, weights, biases: new Float32Array(outputs) };
  });
  return { head, layers };
}

/** Probabilities, or numbers, for one list of inputs. */
export function predict(network, inputs) {
  return activate(network, inputs).at(-1);
}

/** What the first layer hands on, ReLU done. */
export function hiddenOf(network, inputs) {
  return activate(network, inputs)[1];
}

/**
 * Learns from `examples`, a list of { inputs, target }: for softmax the number of the class, for linear a list of numbers.
 * `decay` pulls weights towards 0. After every epoch `onEpoch(epoch, loss)` is called, the loss being the mean on the way.
 */
export function train(network, examples, { epochs, batchSize, lr, decay = 0, random, onEpoch = () => {} }) {
  const order = [...examples];
  const slopes = zerosLike(network);
  const squares = zerosLike(network);
  let steps = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(order, random);
    let total = 0;
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.slice(start, start + batchSize);
      const gradient = zerosLike(network);
      for (const { inputs, target } of batch) {
        const values = activate(network, inputs);
        total += lossOf(network.head, values.at(-1), target);
        addGradient(network, values, target, gradient);
      }
      steps++;
      step(network, gradient, { slopes, squares, steps, lr, decay, size: batch.length });
    }
    if (Number.isNaN(total)) throw new Error('the weights have grown beyond all numbers: try a smaller train.lr');
    onEpoch(epoch, total / order.length);
  }
}

/** For softmax how surprised it was by the true class; for linear half the squared distance. */
export function lossOf(head, outputs, target) {
  // A probability may underflow to 0, whose logarithm is no number.
  if (head === 'softmax') return -log(Math.max(outputs[target], 1e-300));
  return outputs.reduce((sum, value, index) => sum + (value - target[index]) ** 2 / 2, 0);
}

/** The position of the largest value; of equal ones the first, as ONNX's ArgMax. */
export function largest(values) {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index] > values[best]) best = index;
  return best;
}

/** A 32-bit number survives JSON unchanged: it keeps every digit it needs. `extra` is kept beside the network. */
export function writeNetwork(path, network, extra = {}) {
  const layers = network.layers.map((layer) => ({ ...layer, weights: [...layer.weights], biases: [...layer.biases] }));
  writeFile(path, `${JSON.stringify({ ...extra, head: network.head, layers })}\n`);
}

export function readNetwork(path) {
  const { layers, ...rest } = readJson(path);
  const numbers = (layer) => ({
    ...layer,
    weights: Float32Array.from(layer.weights),
    biases: Float32Array.from(layer.biases),
  });
  return { ...rest, layers: layers.map(numbers) };
}

/** What each layer hands on: the inputs, every layer's outputs, the answer last. */
function activate({ head, layers }, inputs) {
  const values = [inputs];
  for (const [index, layer] of layers.entries()) {
    const sums = addUp(layer, values[index]);
    if (index < layers.length - 1) values.push(sums.map((sum) => (sum > 0 ? sum : 0)));
    else values.push(head === 'softmax' ? softmax(sums) : sums);
  }
  return values;
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

function softmax(sums) {
  // Subtracting the largest changes nothing in the result and keeps exp from overflowing.
  const top = Math.max(...sums);
  const powers = sums.map((sum) => exp(sum - top));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

/** Backpropagation: adds how the loss for one example would change with each weight. */
function addGradient({ head, layers }, values, target, gradient) {
  // With these losses the slope at the last sums is simply: what was said minus what is true.
  const wanted = (index) => (head === 'softmax' ? Number(index === target) : target[index]);
  let slope = values.at(-1).map((value, index) => value - wanted(index));
  for (let index = layers.length - 1; index >= 0; index--) {
    const inputs = values[index];
    const { weights, biases } = gradient[index];
    for (let output = 0, at = 0; output < slope.length; output++) {
      biases[output] += slope[output];
      for (let input = 0; input < inputs.length; input++, at++) weights[at] += slope[output] * inputs[input];
    }
    if (index > 0) slope = slopeBelow(layers[index], inputs, slope);
  }
}

/** The slope at a layer's inputs from the slope at its outputs. Where ReLU let nothing through, nothing flows back. */
function slopeBelow({ inputs, outputs, weights }, values, slope) {
  const below = new Float64Array(inputs);
  for (let output = 0, at = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++, at++) if (values[input] > 0) below[input] += slope[output] * weights[at];
  }
  return below;
}

/** Every weight gets a step size of its own, from the recent average of its slope and of the square of its slope. */
function step({ layers }, gradient, { slopes, squares, steps, lr, decay, size }) {
  // The averages start at 0 and so are too small at first: by 1 - 0.9^t after t steps, which is divided away.
  const slopeShare = 1 - power(KEEP_SLOPE, steps);
  const squareShare = 1 - power(KEEP_SQUARE, steps);
  for (const [index, layer] of layers.entries()) {
    for (const part of ['weights', 'biases']) {
      const values = layer[part];
      const slope = slopes[index][part];
      const square = squares[index][part];
      for (let i = 0; i < values.length; i++) {
        const now = gradient[index][part][i] / size;
        slope[i] = KEEP_SLOPE * slope[i] + (1 - KEEP_SLOPE) * now;
        square[i] = KEEP_SQUARE * square[i] + (1 - KEEP_SQUARE) * now * now;
        const move = slope[i] / slopeShare / (Math.sqrt(square[i] / squareShare) + 1e-8);
        values[i] -= lr * (move + (part === 'weights' ? decay * values[i] : 0));
      }
    }
  }
}

/** Math.pow may differ in the last bit between machines; this does not. */
function power(base, exponent) {
  let result = 1;
  for (let n = exponent, factor = base; n > 0; n = Math.floor(n / 2), factor *= factor) if (n % 2 === 1) result *= factor;
  return result;
}

function zerosLike({ layers }) {
  return layers.map(({ weights, biases }) => ({
    weights: new Float64Array(weights.length),
    biases: new Float64Array(biases.length),
  }));
}
