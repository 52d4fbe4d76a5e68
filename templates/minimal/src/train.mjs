// Fits y = slope * x + intercept to data/points.csv by ridge regression.
//   model.json     the line
//   metrics.json   how well it fits: r2 is 1 for a perfect fit, 0 for one no better than the mean
import { readFileSync, writeFileSync } from 'node:fs';

const ridge = Number(process.argv[2]);
if (!(ridge >= 0)) throw new Error(`usage: node src/train.mjs RIDGE, with RIDGE from 0 up, not "${process.argv[2]}"`);

const [, ...lines] = readFileSync('data/points.csv', 'utf8').trimEnd().split(/\r?\n/);
const points = lines.map((line) => line.split(',').map(Number));
const meanX = mean(points.map(([x]) => x));
const meanY = mean(points.map(([, y]) => y));

const slope =
  sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / (sum(points.map(([x]) => square(x - meanX))) + ridge);
const intercept = meanY - slope * meanX;

const unexplained = sum(points.map(([x, y]) => square(y - slope * x - intercept)));
const total = sum(points.map(([, y]) => square(y - meanY)));

writeJson('model.json', { slope, intercept });
writeJson('metrics.json', { r2: 1 - unexplained / total, n: points.length });

function sum(values) {
  return values.reduce((a, b) => a + b, 0);
}

function mean(values) {
  return sum(values) / values.length;
}

function square(value) {
  return value * value;
}

function writeJson(path, content) {
  writeFileSync(path, JSON.stringify(content, null, 2) + '\n');
}
