import { messageOf } from '../../base/index.ts';
import type { TensorInfo } from '../tensor-types.ts';
import { readNodes, type GraphNode, type OnnxNodes } from './graph.ts';
import { constantOf, NodeView, RowsMix, unchanging, type Choice, type Value } from './node-view.ts';
import { numberRules } from './number-rules.ts';
import { shapeRules, type Rule } from './shape-rules.ts';
import { fixed, free, rows, same } from './size.ts';
import { mlRules, textRules, weightRules } from './weight-rules.ts';

/** What a graph does with the rows of its inputs. */
export interface RowsVerdict {
  /** Why rows of different requests must not run together; undefined: each row's answer comes of that row alone. */
  readonly mixing: string | undefined;
  /** True where the values of a request, not only their number, may steer how much there is to compute. */
  readonly steered: boolean;
  /** Inputs that choose, as token ids and categories do, with what they choose from, as far as the graph shows it. */
  readonly choices: ReadonlyMap<string, Choice>;
}

const ownDomains = new Set(['', 'ai.onnx']);
const ownRules: Readonly<Record<string, Rule>> = { ...shapeRules, ...numberRules, ...weightRules, ...textRules };
/** Of Microsoft's own operators those that have no counterpart, or that mean the same. */
const microsoft = new Set([
  ...['BiasGelu', 'CDist', 'FastGelu', 'Gelu', 'QLinearAdd', 'QLinearGlobalAveragePool', 'QLinearLeakyRelu'],
  ...['QLinearMul', 'QLinearSigmoid', 'QuickGelu', 'SimplifiedLayerNormalization', 'SkipLayerNormalization'],
]);

/**
 * Proves from a model's graph that rows along the first dimension of its inputs do not touch each other, by following
 * that dimension through every operator. What an operator does is known for those that keep rows apart under known
 * conditions; any other one counts as mixing, so a doubt is no proof. Sizes other than the number of rows are taken to
 * be equal in all requests that might run together.
 *
 * @param inputs those that requests give; others have an initializer and do not change.
 */
export function analyseRows(bytes: Uint8Array, inputs: readonly TensorInfo[], outputs: readonly string[]): RowsVerdict {
  const choices = new Map<string, Choice>();
  const graph = readNodes(bytes);
  const steered = graph.nodes.some(isSteered);
  const shapeless = inputs.find((input) => typeof input.dims?.[0] !== 'string');
  if (inputs.length === 0) return { mixing: 'the model has no inputs', steered, choices };
  if (shapeless !== undefined)
    return { mixing: `the first size of the input '${shapeless.name}' is not free`, steered, choices };
  const known = walk(graph, inputs, choices);
  for (const name of outputs) {
    const value = known.get(name);
    if (value instanceof RowsMix) return { mixing: value.message, steered, choices };
    const first = value?.dims?.[0];
    if (value?.axis !== 0 || first === undefined || !same(first, rows)) {
      return { mixing: `the output '${name}' is not known to have a row for each row of the inputs`, steered, choices };
    }
  }
  return { mixing: undefined, steered, choices };
}

/** Operators that may make much of little, as their inputs say it; loops have a graph inside. */
const makers = new Set(['ConstantOfShape', 'Expand', 'OneHot', 'Pad', 'Range', 'Resize', 'Tile', 'Upsample']);

function isSteered({ op, domain, hasSubgraph }: GraphNode): boolean {
  const known = ownDomains.has(domain) || domain === 'ai.onnx.ml' || domain === 'com.microsoft';
  return !known || hasSubgraph || makers.has(op);
}

type Known = Map<string, Value | RowsMix>;

function walk(graph: OnnxNodes, inputs: readonly TensorInfo[], choices: Map<string, Choice>): Known {
  const known: Known = new Map();
  for (const [name, tensor] of graph.constants) known.set(name, constantOf(tensor));
  for (const { name, dims = [] } of inputs) {
    const own = dims.map((dim, i) =>
      i === 0 ? rows : typeof dim === 'number' ? fixed(dim) : free(dim === '' ? `${name}.${i}` : dim),
    );
    known.set(name, { dims: own, axis: 0, origin: name });
  }
  for (const node of graph.nodes) {
    const made = results(node, graph.opset, known, choices);
    for (const [i, name] of node.outputs.entries()) {
      const value = Array.isArray(made) ? made[i] : made;
      if (name !== '') known.set(name, (value as Value | undefined) ?? new RowsMix(`${node.op} has an unknown output`));
    }
  }
  return known;
}

function results(node: GraphNode, opset: number, known: Known, choices: Map<string, Choice>) {
  const given: (Value | undefined)[] = [];
  for (const name of node.inputs) {
    const value = name === '' ? undefined : known.get(name);
    if (value instanceof RowsMix) return value;
    if (name !== '' && value === undefined) return new RowsMix(`${node.op} takes '${name}', which is not known`);
    given.push(value);
  }
  const view = new NodeView(node, given, opset, choices);
  try {
    const rule = ruleOf(node);
    if (rule !== undefined) return rule(view);
    const fixedForAll =
      !node.hasSubgraph && !random.has(node.op) && view.all.every((value) => value.axis === undefined);
    return fixedForAll && given.length > 0 ? node.outputs.map(() => unchanging(undefined)) : view.doubt();
  } catch (error) {
    return error instanceof RowsMix ? error : new RowsMix(`${node.op}: ${messageOf(error)}`);
  }
}

const random = new Set([
  'RandomNormal',
  'RandomUniform',
  'RandomNormalLike',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
]);

function ruleOf({ op, domain, hasSubgraph }: GraphNode): Rule | undefined {
  if (hasSubgraph) return undefined;
  if (domain === 'ai.onnx.ml') return Object.hasOwn(mlRules, op) ? mlRules[op] : undefined;
  const own = ownDomains.has(domain) || (domain === 'com.microsoft' && microsoft.has(op));
  return own && Object.hasOwn(ownRules, op) ? ownRules[op] : undefined;
}
