// Stage 2: learn the weights.
//   weights.json     the trained network
//   plots/loss.csv   a line for every epoch, written as it ends, so that a curve can be watched while it grows
import { appendFileSync } from 'node:fs';

import { createAdam, zerosLike } from './adam.mjs';
import { CLASSES, PIXELS, readDigits, writeText } from './dataset.mjs';
import { activate, addGradient, createNetwork, largest, lossOf, networkToJson, predict } from './network.mjs';
import { count, fraction, positive, readParams, wholeNumber } from './params.mjs';
import { createRandom, shuffle } from './random.mjs';

const params = readParams('train', {
  hidden: count,
  epochs: count,
  batch_size: count,
  lr: positive,
  validation_fraction: fraction,
  seed: wholeNumber,
});
const random = createRandom(params.seed);

// Choosing parameters by their result on the test digits would be cheating: validation digits are there for that.
const digits = shuffle(readDigits('data/prepared/train.csv'), random);
const validationCount = Math.max(1, Math.round(digits.length * params.validation_fraction));
const validation = digits.slice(0, validationCount);
const training = digits.slice(validationCount);
if (training.length === 0) throw new Error('params.yaml: train.validation_fraction leaves no digit to learn from');

const network = createNetwork([PIXELS, params.hidden, CLASSES], random);
const adam = createAdam(network);

writeText('plots/loss.csv', 'epoch,loss,val_loss,val_accuracy\n');
for (let epoch = 1; epoch <= params.epochs; epoch++) {
  const loss = learn(shuffle(training, random));
  const watched = measure(validation);
  const line = [loss, watched.loss, watched.accuracy].map((value) => value.toFixed(6));
  appendFileSync('plots/loss.csv', `${epoch},${line.join(',')}\n`);
  if (epoch % 5 === 0 || epoch === params.epochs) {
    console.log(`epoch ${epoch}/${params.epochs}: loss ${line[0]}, on validation digits ${line[1]}`);
  }
}
writeText('weights.json', networkToJson(network));

/** One pass over the digits, a step for every batch. Returns the mean loss on the way. */
function learn(digits) {
  let total = 0;
  for (let start = 0; start < digits.length; start += params.batch_size) {
    const batch = digits.slice(start, start + params.batch_size);
    const gradient = zerosLike(network);
    for (const { pixels, label } of batch) {
      const values = activate(network, pixels);
      addGradient(network, values, label, gradient);
      total += lossOf(values.at(-1), label);
    }
    adam.step(gradient, params.lr); // a sum over the batch is as good as a mean: Adam divides by the slope's own size
  }
  return total / digits.length;
}

function measure(digits) {
  let loss = 0;
  let right = 0;
  for (const { pixels, label } of digits) {
    const probabilities = predict(network, pixels);
    loss += lossOf(probabilities, label);
    if (largest(probabilities) === label) right++;
  }
  return { loss: loss / digits.length, accuracy: right / digits.length };
}
