// Stage 5: on an average field, which amounts of nitrogen, phosphorus and potassium earn most? Steps that get smaller, from
// the best recipe so far (a (1+λ) evolution strategy).
import { readFields, toInputs } from './fields.mjs';
import { writeCsv } from './lib/csv.mjs';
import { round, writeJson } from './lib/files.mjs';
import { predict, readNetwork } from './lib/network.mjs';
import { count, positive, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom } from './lib/random.mjs';

const params = readParams('recipe', { rounds: count, seed: wholeNumber, price: positive, cost: positive });
const network = readNetwork('build/yield');
const fields = readFields('train');
const climate = [0, 1, 2].map((at) => fields.reduce((sum, { raw }) => sum + raw[at], 0) / fields.length);
const costOf = (recipe) => params.cost * recipe.reduce((a, b) => a + b, 0);
const profitOf = (recipe) => {
  const [tons] = predict(network, toInputs(network.scale, [...climate, ...recipe]));
  return params.price * (tons + network.usual) - costOf(recipe);
};

const random = createRandom(params.seed);
const limits = [200, 100, 150];
let best = [0, 0, 0];
const profits = [];
for (let turn = 0; turn < params.rounds; turn++) {
  const step = 0.5 * (1 - turn / params.rounds);
  for (let child = 0; child < 8; child++) {
    const next = best.map((amount, at) => Math.min(limits[at], Math.max(0, amount + (random() * 2 - 1) * step * limits[at])));
    if (profitOf(next) > profitOf(best)) best = next;
  }
  profits.push(profitOf(best));
}
const start = profitOf([0, 0, 0]);
const half = profits[Math.floor(profits.length / 2)];
const [nitrogen, phosphorus, potassium] = best.map(round);
const metrics = {
  convergence: round(profits.at(-1) > start ? (half - start) / (profits.at(-1) - start) : 0),
  cost: round(costOf(best)),
  profit: round(profits.at(-1)),
  profit_of_nothing: round(start),
  nitrogen,
  phosphorus,
  potassium,
};
writeJson('metrics/recipe.json', metrics);
writeCsv('plots/recipe.csv', ['round', 'profit'], profits.map((profit, turn) => [turn + 1, round(profit)]));
console.log(Object.entries(metrics).map(([name, value]) => `${name} ${value}`).join(', '));
