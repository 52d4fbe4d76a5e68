// Stage 3: measure the network on digits it has never seen.
//   metrics.json          accuracy, mean loss, macro F1, how many digits were tested
//   plots/confusion.csv   for every test digit what it is and what it was taken for
import { CLASSES, readDigits, writeText } from './dataset.mjs';
import { largest, lossOf, predict, readNetwork } from './network.mjs';

const network = readNetwork('weights.json');
const results = readDigits('data/prepared/test.csv').map(({ pixels, label }) => {
  const probabilities = predict(network, pixels);
  return { actual: label, predicted: largest(probabilities), loss: lossOf(probabilities, label) };
});

const metrics = {
  accuracy: round(mean(results.map(({ actual, predicted }) => (actual === predicted ? 1 : 0)))),
  loss: round(mean(results.map(({ loss }) => loss))),
  macro_f1: round(mean(Array.from({ length: CLASSES }, (_, digit) => f1(digit)))),
  n_test: results.length,
};
writeText('metrics.json', JSON.stringify(metrics, null, 2) + '\n');
writeText(
  'plots/confusion.csv',
  'actual,predicted\n' + results.map(({ actual, predicted }) => `${actual},${predicted}\n`).join(''),
);
const wrong = results.filter(({ actual, predicted }) => actual !== predicted).length;
console.log(`accuracy ${metrics.accuracy}: ${wrong} of ${metrics.n_test} test digits taken for another one`);

/** Harmonic mean of precision and recall for one digit; 0 for a digit that neither occurs nor is predicted. */
function f1(digit) {
  const hits = results.filter((r) => r.actual === digit && r.predicted === digit).length;
  const mentions =
    results.filter((r) => r.actual === digit).length + results.filter((r) => r.predicted === digit).length;
  return mentions === 0 ? 0 : (2 * hits) / mentions;
}

function mean(values) {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Six decimals say all there is to say about a few hundred digits, and keep Git's diffs readable. */
function round(value) {
  return Number(value.toFixed(6));
}
