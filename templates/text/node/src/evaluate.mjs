// Stage 4: search the training profiles with unseen ones, and tell their topics.
import { readCsv, writeCsv } from './lib/csv.mjs';
import { round, writeJson } from './lib/files.mjs';
import { hiddenOf, largest, predict, readNetwork } from './lib/network.mjs';
import { toVector } from './words.mjs';

const network = readNetwork('build/trained');
const { topics, words } = network;
const read = (part) =>
  readCsv(`data/prepared/${part}.csv`).rows.map(([, topic, role, text]) => {
    const vector = toVector(words, text);
    return { topic, role, length: text.split(' ').length, vector, embedding: unit(hiddenOf(network, vector)) };
  });
const [known, queries] = [read('train'), read('test')];

let recall = 0;
let chance = 0;
let error = 0;
const pairs = [];
for (const { topic, role, vector, embedding } of queries) {
  const ranked = known.map((profile) => ({ profile, score: dot(embedding, profile.embedding) }));
  error += mean(ranked.map(({ profile, score }) => Math.abs(score - Number(profile.topic === topic))));
  ranked.sort((a, b) => b.score - a.score);
  recall += ranked.slice(0, 5).filter(({ profile }) => profile.role === role).length / 5;
  chance += known.filter((profile) => profile.role === role).length / known.length;
  pairs.push([topic, topics[largest(predict(network, vector))]]);
}
const metrics = {
  recall_at_5: round(recall / queries.length),
  baseline_recall: round(chance / queries.length),
  accuracy: round(mean(pairs.map(([actual, predicted]) => Number(actual === predicted)))),
  mae: round(error / queries.length),
  embedding_dim: known[0].embedding.length,
  avg_profile_length: round(mean([...known, ...queries].map(({ length }) => length))),
};
writeJson('metrics.json', metrics);
writeCsv('plots/confusion.csv', ['actual', 'predicted'], pairs);
console.log(Object.entries(metrics).map(([name, value]) => `${name} ${value}`).join(', '));

function unit(vector) {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((value) => value / length);
}

function dot(a, b) {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index] * b[index];
  return sum;
}

function mean(values) {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
