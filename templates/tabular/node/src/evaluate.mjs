// Stage 3: measure the model on rows that it has never seen.
//   metrics.json          accuracy, F1, AUC and loss of classes; MAE, RMSE and R² of numbers; `skill` of both
//   plots/confusion.csv   what each row is and what it was taken for; numbers by quarters of the training rows
import { readRows } from './examples.mjs';
import { writeJson } from './lib/files.mjs';
import { largest, predict, readNetwork } from './lib/network.mjs';
import { writeCsv } from './lib/csv.mjs';
import { classScores, mean, numberScores } from './scores.mjs';
import { toInputs } from './table.mjs';

const network = readNetwork('build/trained');
const { inputs, target } = network.columns;
const [train, test] = ['train', 'test'].map((part) => readRows(part, network.columns));
const answers = test.map(({ raw, actual }) => ({ actual, outputs: predict(network, toInputs(inputs, raw)) }));

const { metrics, pairs } = target.kind === 'class' ? judgeClasses() : judgeNumbers();
writeJson('metrics.json', metrics);
writeCsv('plots/confusion.csv', ['actual', 'predicted'], pairs);
console.log(Object.entries(metrics).map(([name, value]) => `${name} ${value}`).join(', '));

function judgeClasses() {
  const { classes } = target;
  const results = answers.map(({ actual, outputs }) => ({
    actual,
    predicted: classes[largest(outputs)],
    scores: [...outputs],
  }));
  const prior = classes.map((name) => train.filter(({ actual }) => actual === name).length / train.length);
  return {
    metrics: classScores(results, classes, prior),
    pairs: results.map(({ actual, predicted }) => [actual, predicted]),
  };
}

function judgeNumbers() {
  const results = answers.map(({ actual, outputs }) => ({
    actual: Number(actual),
    predicted: outputs[0] * target.spread + target.mean,
  }));
  const known = train.map(({ actual }) => Number(actual)).sort((a, b) => a - b);
  const limits = [0.25, 0.5, 0.75].map((share) => known[Math.floor(share * known.length)]);
  const quarter = (value) => `quarter ${limits.filter((limit) => value >= limit).length + 1}`;
  return {
    metrics: numberScores(results, mean(known)),
    pairs: results.map(({ actual, predicted }) => [quarter(actual), quarter(predicted)]),
  };
}
