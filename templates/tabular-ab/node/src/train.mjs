// Stages 3 and 4, `train.mjs yield` and `train.mjs quality`: learn, measure on unseen fields, write the model as ONNX.
import { FEATURES, QUALITIES, readFields, scaleOf, servingYaml, toInputs } from './fields.mjs';
import { round, writeFile, writeJson } from './lib/files.mjs';
import { createNetwork, largest, predict, train, writeNetwork } from './lib/network.mjs';
import { constant, encodeModel, FLOAT, networkSteps, node, STRING, value } from './lib/onnx.mjs';
import { count, positive, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom } from './lib/random.mjs';

const what = process.argv[2] === 'quality' ? 'quality' : 'yield';
const params = readParams('train', { hidden: count, epochs: count, batch_size: count, lr: positive, seed: wholeNumber });
const [known, unseen] = [readFields('train'), readFields('test')];
const scale = scaleOf(known);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const usual = mean(known.map((field) => field.yield));

const random = createRandom(params.seed);
const sizes = [Object.keys(FEATURES).length, params.hidden, what === 'yield' ? 1 : QUALITIES.length];
const network = createNetwork(sizes, what === 'yield' ? 'linear' : 'softmax', random);
const examples = known.map((field) => ({
  inputs: toInputs(scale, field.raw),
  target: what === 'yield' ? [field.yield - usual] : QUALITIES.indexOf(field.quality),
}));
train(network, examples, { epochs: params.epochs, batchSize: params.batch_size, lr: params.lr, decay: 0.001, random });
writeNetwork(`build/${what}`, network, { scale, usual });

const answers = unseen.map((field) => predict(network, toInputs(scale, field.raw)));
const metrics = what === 'yield' ? yieldScores() : qualityScores();
writeJson(`metrics/${what}.json`, metrics);
writeFile(`models/crop-${what}/model.onnx`, toOnnx());
const outputs = what === 'yield' ? '  - { name: tons, unit: t/ha }\n' : '  - { name: label }\n  - { name: probabilities }\n';
writeFile(`models/crop-${what}/serving.yaml`, servingYaml(outputs));
console.log(Object.entries(metrics).map(([name, score]) => `${name} ${score}`).join(', '));

function yieldScores() {
  const truth = unseen.map((field) => field.yield);
  const errors = answers.map(([tons], index) => tons + usual - truth[index]);
  const square = mean(errors.map((error) => error * error));
  const centre = mean(truth);
  return {
    r2: round(1 - square / mean(truth.map((tons) => (tons - centre) ** 2))),
    mae: round(mean(errors.map(Math.abs))),
    rmse: round(Math.sqrt(square)),
    baseline_mae: round(mean(truth.map((tons) => Math.abs(tons - usual)))),
  };
}

function qualityScores() {
  const good = unseen.map(({ quality }) => quality === 'good');
  const said = answers.map((scores) => largest(scores) === 0);
  const hits = said.filter((is, index) => is && good[index]).length;
  const share = mean(good.map(Number));
  let wins = 0;
  for (const [a, isGood] of good.entries()) {
    for (const [b, other] of good.entries()) {
      if (isGood && !other) wins += Number(answers[a][0] > answers[b][0]) + Number(answers[a][0] === answers[b][0]) / 2;
    }
  }
  return {
    accuracy: round(mean(said.map((is, index) => Number(is === good[index])))),
    f1: round((2 * hits) / (said.filter(Boolean).length + good.filter(Boolean).length)),
    auc: round(wins / (good.filter(Boolean).length * good.filter((is) => !is).length)),
    baseline_accuracy: round(Math.max(share, 1 - share)),
  };
}

function toOnnx() {
  const width = Object.keys(FEATURES).length;
  const steps = networkSteps(network, 'inputs', what === 'yield' ? 'rest' : 'probabilities');
  const end =
    what === 'yield'
      ? {
          nodes: [node('Add', ['rest', 'usual'], ['tons'])],
          constants: [constant('usual', [], [usual])],
          outputs: [value('tons', FLOAT, ['N', 1], 'tons a hectare')],
        }
      : {
          nodes: [
            node('ArgMax', ['probabilities'], ['best'], { axis: 1, keepdims: 0 }),
            node('Gather', ['qualities', 'best'], ['label'], { axis: 0 }),
          ],
          constants: [constant('qualities', [QUALITIES.length], QUALITIES, STRING)],
          outputs: [
            value('label', STRING, ['N'], QUALITIES.join(' or ')),
            value('probabilities', FLOAT, ['N', QUALITIES.length], QUALITIES.join(', ')),
          ],
        };
  return encodeModel({
    producer: 'mlops',
    description: `The ${what} of a field`,
    metadata: {},
    graph: {
      name: what,
      nodes: [
        node('Sub', ['features', 'means'], ['centred']),
        node('Div', ['centred', 'spreads'], ['inputs']),
        ...steps.nodes,
        ...end.nodes,
      ],
      constants: [
        constant('means', [width], scale.means),
        constant('spreads', [width], scale.spreads),
        ...steps.constants,
        ...end.constants,
      ],
      inputs: [value('features', FLOAT, ['N', width], Object.keys(FEATURES).join(', '))],
      outputs: end.outputs,
    },
  });
}
