// Stage 4: the network as models/tabular/model.onnx, and models/tabular/serving.yaml, by which the API knows the columns.
//   input   features       float32 [N, columns]   a number itself, a text by its position
//   output  label          string  [N]            and  probabilities  float32 [N, classes]
//   or      variable       float32 [N, 1]         where the target is a number
// The scaling is part of the graph, so it cannot be forgotten.
import { writeFile } from './lib/files.mjs';
import { readNetwork } from './lib/network.mjs';
import { constant, encodeModel, FLOAT, INT64, networkSteps, node, STRING, value } from './lib/onnx.mjs';
import { servingYaml } from './serving.mjs';

const network = readNetwork('build/trained');
const { inputs, target } = network.columns;
const description = `Predicts ${target.name} from ${inputs.map(({ name }) => name).join(', ')}`;
const bytes = encodeModel({ producer: 'mlops', description, metadata: {}, graph: buildGraph() });
writeFile('models/tabular/model.onnx', bytes);
writeFile('models/tabular/serving.yaml', servingYaml(network.columns));
console.log(`models/tabular/model.onnx: ${bytes.length} bytes`);

function buildGraph() {
  const wide = inputs.map((column, index) => widen(column, index));
  const steps = networkSteps(network, 'inputs', target.kind === 'class' ? 'probabilities' : 'scaled');
  const answer = target.kind === 'class' ? pickLabel(target.classes) : unscale(target);
  return {
    name: 'table',
    nodes: [
      ...wide.flatMap(({ nodes }) => nodes),
      node('Concat', wide.map(({ output }) => output), ['inputs'], { axis: 1 }),
      ...steps.nodes,
      ...answer.nodes,
    ],
    constants: [...wide.flatMap(({ constants }) => constants), ...steps.constants, ...answer.constants],
    inputs: [value('features', FLOAT, ['N', inputs.length], inputs.map(({ name }) => name).join(', '))],
    outputs: answer.outputs,
  };
}

/** A column of the table to inputs of the network. */
function widen(column, index) {
  const at = constant(`at_${index}`, [1], [index], INT64);
  const pick = node('Gather', ['features', `at_${index}`], [`raw_${index}`], { axis: 1 });
  const output = `wide_${index}`;
  if (column.kind === 'number') {
    return {
      output,
      constants: [at, constant(`mean_${index}`, [], [column.mean]), constant(`spread_${index}`, [], [column.spread])],
      nodes: [
        pick,
        node('Sub', [`raw_${index}`, `mean_${index}`], [`centred_${index}`]),
        node('Div', [`centred_${index}`, `spread_${index}`], [output]),
      ],
    };
  }
  // A position is equal to one of 0, 1, 2...: that one becomes 1.
  const positions = column.values.map((_, position) => position);
  return {
    output,
    constants: [at, constant(`positions_${index}`, [1, positions.length], positions)],
    nodes: [
      pick,
      node('Equal', [`raw_${index}`, `positions_${index}`], [`equal_${index}`]),
      node('Cast', [`equal_${index}`], [output], { to: FLOAT }),
    ],
  };
}

function pickLabel(classes) {
  return {
    constants: [constant('classes', [classes.length], classes, STRING)],
    nodes: [
      node('ArgMax', ['probabilities'], ['best'], { axis: 1, keepdims: 0 }),
      node('Gather', ['classes', 'best'], ['label'], { axis: 0 }),
    ],
    outputs: [
      value('label', STRING, ['N'], target.name),
      value('probabilities', FLOAT, ['N', classes.length], classes.join(', ')),
    ],
  };
}

function unscale({ mean, spread }) {
  return {
    constants: [constant('target_mean', [], [mean]), constant('target_spread', [], [spread])],
    nodes: [
      node('Mul', ['scaled', 'target_spread'], ['stretched']),
      node('Add', ['stretched', 'target_mean'], ['variable']),
    ],
    outputs: [value('variable', FLOAT, ['N', 1], target.name)],
  };
}
