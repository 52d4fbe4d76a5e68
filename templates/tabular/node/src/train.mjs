// Stage 2: learn the weights.
//   build/trained    the network and what its columns are
//   plots/loss.csv   a line for every epoch, written as it ends, so that a curve can be watched while it grows
import { appendFileSync } from 'node:fs';

import { readColumns, readRows } from './examples.mjs';
import { writeFile } from './lib/files.mjs';
import { createNetwork, train, writeNetwork } from './lib/network.mjs';
import { count, notNegative, positive, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom } from './lib/random.mjs';
import { toInputs, widthOf } from './table.mjs';

const params = readParams('train', {
  hidden: wholeNumber,
  epochs: count,
  batch_size: count,
  lr: positive,
  decay: notNegative,
  seed: wholeNumber,
});
const columns = readColumns();
const { inputs, target } = columns;
const examples = readRows('train', columns).map(({ raw, actual }) => ({
  inputs: toInputs(inputs, raw),
  target: target.kind === 'class' ? target.classes.indexOf(actual) : [(Number(actual) - target.mean) / target.spread],
}));

const random = createRandom(params.seed);
const outputs = target.kind === 'class' ? target.classes.length : 1;
const sizes = [widthOf(inputs), ...(params.hidden > 0 ? [params.hidden] : []), outputs];
const network = createNetwork(sizes, target.kind === 'class' ? 'softmax' : 'linear', random);

writeFile('plots/loss.csv', 'epoch,loss\n');
train(network, examples, {
  epochs: params.epochs,
  batchSize: params.batch_size,
  lr: params.lr,
  decay: params.decay,
  random,
  onEpoch: (epoch, loss) => appendFileSync('plots/loss.csv', `${epoch},${loss.toFixed(6)}\n`),
});
writeNetwork('build/trained', network, { columns });
console.log(`${examples.length} rows, ${sizes.join('-')}, ${params.epochs} epochs`);
