// Stage 1: the data file to three lists of digits that have nothing in common.
//   data/prepared/train.csv   to learn from
//   data/prepared/test.csv    to measure the finished network with
//   data/holdout.json         a few that no stage looks at, to try a served model on: [{ pixels, label }]
import { readDigits, writeDigits, writeText } from './dataset.mjs';
import { fraction, readParams, wholeNumber } from './params.mjs';
import { createRandom, shuffle } from './random.mjs';

const params = readParams('prepare', { test_fraction: fraction, holdout: wholeNumber, seed: wholeNumber });

const digits = shuffle(readDigits('data/digits.csv.gz'), createRandom(params.seed));
const testCount = Math.round(digits.length * params.test_fraction);
const holdout = digits.slice(0, params.holdout);
const test = digits.slice(params.holdout, params.holdout + testCount);
const train = digits.slice(params.holdout + testCount);
if (train.length === 0 || test.length === 0) {
  throw new Error(
    `params.yaml: of ${digits.length} digits, prepare leaves ${train.length} to train and ${test.length} to test with`,
  );
}

writeDigits('data/prepared/train.csv', train);
writeDigits('data/prepared/test.csv', test);
writeText('data/holdout.json', JSON.stringify(holdout) + '\n');
console.log(`${digits.length} digits: ${train.length} to train, ${test.length} to test, ${holdout.length} held out`);
