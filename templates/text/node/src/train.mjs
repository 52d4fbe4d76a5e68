// Stage 3: learn to tell topics; what the layer in between says of a text is its embedding.
//   build/trained               words, topics and the network
//   models/profiles/model.onnx  text [N] to embedding [N, dim], label [N], probabilities [N, topics]
//   plots/loss.csv              a line for every epoch
import { appendFileSync } from 'node:fs';

import { readCsv } from './lib/csv.mjs';
import { writeFile } from './lib/files.mjs';
import { createNetwork, train, writeNetwork } from './lib/network.mjs';
import { constant, encodeModel, FLOAT, networkSteps, node, STRING, value } from './lib/onnx.mjs';
import { count, oneOf, positive, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom } from './lib/random.mjs';
import { learnWords, toVector } from './words.mjs';

const params = readParams('train', {
  model: oneOf('tfidf', 'counts'),
  embedding_dim: count,
  epochs: count,
  batch_size: count,
  lr: positive,
  seed: wholeNumber,
});
const { rows } = readCsv('data/prepared/train.csv');
const topics = [...new Set(rows.map(([, topic]) => topic))].sort();
const words = learnWords(rows.map((row) => row[3]), params.model);
const examples = rows.map(([, topic, , text]) => ({ inputs: toVector(words, text), target: topics.indexOf(topic) }));

const random = createRandom(params.seed);
const network = createNetwork([words.length, params.embedding_dim, topics.length], 'softmax', random);
writeFile('plots/loss.csv', 'epoch,loss\n');
train(network, examples, {
  epochs: params.epochs,
  batchSize: params.batch_size,
  lr: params.lr,
  decay: 0.02,
  random,
  onEpoch: (epoch, loss) => appendFileSync('plots/loss.csv', `${epoch},${loss.toFixed(6)}\n`),
});
writeNetwork('build/trained', network, { topics, words });

const steps = networkSteps(network, 'vector', 'probabilities');
const bytes = encodeModel({
  producer: 'mlops',
  description: 'A vector and a topic for a short text',
  metadata: {},
  graph: {
    name: 'profiles',
    nodes: [
      // The locale C is there on every machine.
      node('StringNormalizer', ['text'], ['lower'], { case_change_action: 'LOWER', locale: 'C' }),
      node('StringSplit', ['lower'], ['words', 'counts']),
      node('TfIdfVectorizer', ['words'], ['vector'], {
        min_gram_length: 1,
        max_gram_length: 1,
        max_skip_count: 0,
        mode: 'TFIDF',
        ngram_counts: [0],
        ngram_indexes: words.map((_, index) => index),
        pool_strings: words.map(([word]) => word),
        weights: Float32Array.from(words, ([, weight]) => weight),
      }),
      ...steps.nodes,
      node('LpNormalization', ['values_1'], ['embedding'], { axis: 1, p: 2 }),
      node('ArgMax', ['probabilities'], ['best'], { axis: 1, keepdims: 0 }),
      node('Gather', ['topics', 'best'], ['label'], { axis: 0 }),
    ],
    constants: [...steps.constants, constant('topics', [topics.length], topics, STRING)],
    inputs: [value('text', STRING, ['N'], 'plain words')],
    outputs: [
      value('embedding', FLOAT, ['N', params.embedding_dim], 'of length 1'),
      value('label', STRING, ['N'], 'the topic'),
      value('probabilities', FLOAT, ['N', topics.length], topics.join(', ')),
    ],
  },
});
writeFile('models/profiles/model.onnx', bytes);
console.log(`${words.length} words, ${topics.length} topics; models/profiles/model.onnx: ${bytes.length} bytes`);
