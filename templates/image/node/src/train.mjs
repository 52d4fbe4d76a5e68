// Stages 3 and 4, `train.mjs skin` and `train.mjs detector`: learn, measure on unseen pictures, write the model as ONNX.
import { CLASSES, MEAN, readPictures, SIZE, SPREAD } from './pictures.mjs';
import { writeCsv } from './lib/csv.mjs';
import { round, writeFile, writeJson } from './lib/files.mjs';
import { createNetwork, largest, predict, train } from './lib/network.mjs';
import { constant, encodeModel, FLOAT, INT64, networkSteps, node, value } from './lib/onnx.mjs';
import { count, positive, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom } from './lib/random.mjs';

const SURE = 6; // the network says 1 or -1 for a mark or none; this makes logits of it
const SHARE = 0.25; // boxes move by shares of the picture, of which the network says four times as much
const what = process.argv[2] === 'detector' ? 'detector' : 'skin';
const params = readParams('train', { hidden: count, epochs: count, batch_size: count, lr: positive, seed: wholeNumber });
const [known, unseen] = [readPictures('train'), readPictures('test')];
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const marked = (picture) => picture.name !== 'clear';
const middle = [0, 1, 2, 3].map((at) => mean(known.filter(marked).map(({ box }) => box[at])));

const random = createRandom(params.seed);
const sizes = [3 * SIZE * SIZE, params.hidden, what === 'skin' ? CLASSES.length : 6];
const network = createNetwork(sizes, what === 'skin' ? 'softmax' : 'linear', random);
const examples = known.map((picture) => ({
  inputs: picture.inputs,
  target: what === 'skin' ? CLASSES.indexOf(picture.name) : boxTarget(picture),
}));
train(network, examples, { epochs: params.epochs, batchSize: params.batch_size, lr: params.lr, decay: 0.02, random });

const answers = unseen.map(({ inputs }) => predict(network, inputs));
const metrics = what === 'skin' ? classScores() : boxScores();
writeJson(`metrics/${what}.json`, metrics);
const folder = what === 'skin' ? 'models/skin' : 'models/skin-detector';
writeFile(`${folder}/model.onnx`, toOnnx());
writeFile(`${folder}/serving.yaml`, servingYaml());
console.log(Object.entries(metrics).map(([name, score]) => `${name} ${score}`).join(', '));

/** The box less the mean box, then 1 and -1 for a mark, -1 and 1 for none. */
function boxTarget({ name, box }) {
  const is = name === 'clear' ? -1 : 1;
  return [...(is > 0 ? box.map((share, at) => (share - middle[at]) / SHARE) : [0, 0, 0, 0]), is, -is];
}

function classScores() {
  const pairs = unseen.map(({ name }, index) => [name, CLASSES[largest(answers[index])]]);
  writeCsv('plots/confusion.csv', ['actual', 'predicted'], pairs);
  const shares = CLASSES.map((name) => mean(unseen.map((picture) => Number(picture.name === name))));
  return {
    accuracy: round(mean(pairs.map(([actual, predicted]) => Number(actual === predicted)))),
    baseline_accuracy: round(Math.max(...shares)),
  };
}

function boxScores() {
  const overlaps = (boxOf) =>
    unseen.flatMap((picture, index) => (marked(picture) ? [iou(picture.box, boxOf(answers[index]))] : []));
  return {
    iou: round(mean(overlaps((answer) => middle.map((share, at) => share + answer[at] * SHARE)))),
    baseline_iou: round(mean(overlaps(() => middle))),
    found: round(mean(unseen.map((picture, index) => Number(answers[index][4] > answers[index][5] === marked(picture))))),
  };
}

/** Overlap over union of two boxes given by centre and size. */
function iou(a, b) {
  const side = (box, at, sign) => box[at] + (sign * box[at + 2]) / 2;
  const [across, down] = [0, 1].map((at) => {
    const [from, to] = [Math.max(side(a, at, -1), side(b, at, -1)), Math.min(side(a, at, 1), side(b, at, 1))];
    return Math.max(0, to - from);
  });
  const both = across * down;
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

function servingYaml() {
  const resize = `{ mode: exact, width: ${SIZE}, height: ${SIZE} }`;
  const scale = `scale: 0.00392156862745098, mean: [${MEAN}], std: [${SPREAD}]`;
  const image = `image: { resize: ${resize}, resample: box, ${scale} }`;
  const outputs =
    what === 'skin'
      ? `  - { name: probabilities, labels: [${CLASSES.join(', ')}] }`
      : '  - { name: logits, as: boxes, decode: boxes, head: detr, score: 0.5, format: xywh, labels: [mark] }';
  return `version: 1\n${image}\noutputs:\n${outputs}\n`;
}

function toOnnx() {
  const steps = networkSteps(network, 'flat', what === 'skin' ? 'probabilities' : 'six');
  const end = what === 'skin' ? classEnd() : boxEnd();
  return encodeModel({
    producer: 'mlops',
    description: what === 'skin' ? 'What a picture of skin shows' : 'Where the mark is',
    metadata: {},
    graph: {
      name: what,
      nodes: [node('Flatten', ['image'], ['flat'], { axis: 1 }), ...steps.nodes, ...end.nodes],
      constants: [...steps.constants, ...end.constants],
      inputs: [value('image', FLOAT, ['N', 3, SIZE, SIZE], 'red, green, blue')],
      outputs: end.outputs,
    },
  });
}

function classEnd() {
  return {
    nodes: [],
    constants: [],
    outputs: [value('probabilities', FLOAT, ['N', CLASSES.length], CLASSES.join(', '))],
  };
}

/** Six numbers to `logits` [N, 1, 2] and `pred_boxes` [N, 1, 4], as DETR has them. */
function boxEnd() {
  const cut = (name, from, to) => ({
    nodes: [node('Slice', ['six', `${name}_from`, `${name}_to`, 'axis'], [`${name}_cut`])],
    constants: [constant(`${name}_from`, [1], [from], INT64), constant(`${name}_to`, [1], [to], INT64)],
  });
  const [box, sure] = [cut('box', 0, 4), cut('sure', 4, 6)];
  return {
    nodes: [
      ...box.nodes,
      ...sure.nodes,
      node('Mul', ['box_cut', 'share'], ['moved']),
      node('Add', ['moved', 'middle'], ['box']),
      node('Unsqueeze', ['box', 'axis'], ['pred_boxes']),
      node('Mul', ['sure_cut', 'factor'], ['sure']),
      node('Unsqueeze', ['sure', 'axis'], ['logits']),
    ],
    constants: [
      ...box.constants,
      ...sure.constants,
      constant('axis', [1], [1], INT64),
      constant('middle', [4], middle),
      constant('factor', [], [SURE]),
      constant('share', [], [SHARE]),
    ],
    outputs: [
      value('logits', FLOAT, ['N', 1, 2], 'a mark, none'),
      value('pred_boxes', FLOAT, ['N', 1, 4], 'centre, width, height, in shares of the picture'),
    ],
  };
}
