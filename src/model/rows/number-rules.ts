import { broadcast, unchanging, type NodeView, type Value } from './node-view.ts';
import type { Rule } from './shape-rules.ts';
import { countsRows, fixed, numberOf, one, over, product, same, times, type Size } from './size.ts';

/** Element by element, of one input or of several that are laid over each other; the rest as each says. */
const unary = [
  ...['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'BitwiseNot', 'Ceil', 'Celu', 'Cos', 'Cosh', 'Elu'],
  ...['Erf', 'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'IsInf', 'IsNaN', 'LeakyRelu', 'Log', 'Mish', 'Neg'],
  ...['Not', 'QuickGelu', 'Reciprocal', 'RegexFullMatch', 'Relu', 'Round', 'Selu', 'Shrink', 'Sigmoid', 'Sign', 'Sin'],
  ...['Sinh', 'Softplus', 'Softsign', 'Sqrt', 'Swish', 'Tan', 'Tanh', 'ThresholdedRelu'],
];
const laidOver = [
  ...['Add', 'And', 'BiasGelu', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'Clip', 'Div', 'Equal'],
  ...['FastGelu', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Max', 'Mean', 'Min', 'Mod', 'Mul', 'Or'],
  ...['Pow', 'PRelu', 'StringConcat', 'Sub', 'Sum', 'Where', 'Xor'],
];
const reductions = [
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin'],
  ...['ReduceProd', 'ReduceSum', 'ReduceSumSquare'],
];

/** Operators that compute numbers without weights. */
export const numberRules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(unary.map((op): [string, Rule] => [op, (view) => revalued(view.input(0))])),
  ...Object.fromEntries(
    laidOver.map((op): [string, Rule] => [op, (view) => reckoned(view) ?? broadcast(view, view.all)]),
  ),
  ...Object.fromEntries(reductions.map((op): [string, Rule] => [op, reduced])),
  Cast: cast,
  CastLike: cast,
  ArgMax: picked,
  ArgMin: picked,
  Softmax: softmax,
  LogSoftmax: softmax,
  Hardmax: softmax,
  Dropout(view) {
    const training = view.has(2) ? view.constant(2) : undefined;
    if (training !== undefined || (view.opset < 7 && view.int('is_test', 0) === 0)) throw view.doubt();
    return [view.input(0), view.input(0)];
  },
  CumSum(view) {
    const value = view.input(0);
    view.apart(value, view.numbers(1) ?? []);
    return revalued(value);
  },
  TopK(view) {
    const value = view.input(0);
    const from = view.dims(value);
    const at = view.axis(view.int('axis', -1), from.length);
    view.apart(value, [at], 'chooses among the rows');
    const count = view.attribute('k')?.int ?? numberOf(view.constant(1)?.ints?.[0]);
    const dims = from.map((size, i) => (i !== at ? size : count === undefined ? view.unknown() : fixed(count)));
    return [revalued(value, dims), revalued(value, dims)];
  },
  LayerNormalization: layerNormalized,
  RMSNormalization: layerNormalized,
  SimplifiedLayerNormalization: layerNormalized,
  SkipLayerNormalization(view) {
    const [value, skip] = [view.input(0), view.input(1)];
    view.apart(value, [-1]);
    for (const at of [2, 3, 4]) view.constant(at);
    const sum = broadcast(view, [value, skip]);
    return view.node.outputs.map(() => sum);
  },
  LpNormalization(view) {
    view.apart(view.input(0), [view.int('axis', -1)]);
    return revalued(view.input(0));
  },
  MeanVarianceNormalization(view) {
    view.apart(view.input(0), view.ints('axes') ?? [0, 2, 3]);
    return revalued(view.input(0));
  },
  InstanceNormalization: perRow,
  GroupNormalization: perRow,
  LRN: perRow,
  BatchNormalization(view) {
    const training = view.int('training_mode', 0) !== 0 || (view.opset < 7 && view.int('is_test', 0) === 0);
    if (training || view.node.outputs.filter((name) => name !== '').length > 1) throw view.mixes('is in training mode');
    return perRow(view);
  },
  QuantizeLinear: quantized,
  DequantizeLinear: quantized,
  DynamicQuantizeLinear(view) {
    const value = view.input(0);
    if (value.axis !== undefined) throw view.mixes('takes the scale of its numbers from all rows');
    return [value, unchanging([]), unchanging([])];
  },
  QLinearAdd: (view) => laidOverQuantized(view, 6),
  QLinearMul: (view) => laidOverQuantized(view, 6),
  QLinearSigmoid: quantized,
  QLinearLeakyRelu: quantized,
};

/** The same rows, with other values. */
function revalued(value: Value, dims = value.dims): Value {
  return { dims, axis: value.axis };
}

const wholeTypes = new Set([2, 3, 4, 5, 6, 7, 9, 12, 13]);

function cast(view: NodeView): Value {
  const value = view.sized(0);
  if (wholeTypes.has(view.int('to', 7)) && view.node.op === 'Cast') return value;
  // A fraction may come of it: what counts rows must not get lost.
  return { dims: view.input(0).dims, axis: value.axis, origin: value.origin };
}

/** Sums and products of sizes, and what PyTorch does to expand: `where(equal(shape, -1), ones, shape)`. */
function reckoned(view: NodeView): Value | undefined {
  const values = view.node.inputs.map((_, i) => view.sized(i));
  const lengths = values.map((value) => value.ints?.length);
  if (lengths.includes(undefined) || values.some((value) => (value.dims?.length ?? 2) > 1)) return undefined;
  const length = Math.max(...lengths.map((own) => own ?? 0));
  if (lengths.some((own) => own !== 1 && own !== length)) return undefined;
  const compute = reckoners[view.node.op];
  if (compute === undefined) return undefined;
  const ints = Array.from({ length }, (_, i) => {
    const own = values.map(({ ints = [] }) => (ints.length === 1 ? ints[0] : ints[i]));
    const result = compute(own);
    if (result === undefined && own.some((size) => size !== undefined && countsRows(size))) {
      throw view.mixes('reckons with the number of rows');
    }
    return result;
  });
  const scalar = values.every((value) => value.dims?.length === 0);
  return unchanging(scalar ? [] : [fixed(length)], ints);
}

type Reckoner = (sizes: readonly (Size | undefined)[]) => Size | undefined;

function onNumbers(compute: (a: number, b: number) => number): Reckoner {
  return ([a, b]) => {
    const [x, y] = [numberOf(a), numberOf(b)];
    return x === undefined || y === undefined ? undefined : fixed(compute(x, y));
  };
}

const reckoners: Readonly<Record<string, Reckoner>> = {
  Add: ([a, b]) => (numberOf(a) === 0 ? b : numberOf(b) === 0 ? a : onNumbers((x, y) => x + y)([a, b])),
  Sub: ([a, b]) => (numberOf(b) === 0 ? a : onNumbers((x, y) => x - y)([a, b])),
  Mul: ([a, b]) => (a === undefined || b === undefined ? undefined : times(a, b)),
  Div: ([a, b]) =>
    a === undefined || b === undefined
      ? undefined
      : (over(a, b) ?? onNumbers((x, y) => (y === 0 ? 0 : Math.trunc(x / y)))([a, b])),
  Equal: ([a, b]) => {
    if (a === undefined || b === undefined) return undefined;
    if (same(a, b)) return one;
    // A free size is never negative.
    const [x, y] = [numberOf(a) ?? 0, numberOf(b) ?? 0];
    const known = numberOf(a) !== undefined && numberOf(b) !== undefined;
    return known || x < 0 || y < 0 ? fixed(0) : undefined;
  },
  Where: ([condition, a, b]) => {
    const chosen = numberOf(condition);
    return chosen === undefined ? undefined : chosen === 0 ? b : a;
  },
};

function reduced(view: NodeView): Value {
  const value = view.input(0);
  const from = value.dims;
  const given = view.ints('axes') ?? view.numbers(1);
  if (from === undefined && value.axis === undefined) return unchanging(undefined);
  const rank = view.dims(value).length;
  if ((given === undefined || given.length === 0) && view.int('noop_with_empty_axes', 0) === 1) return revalued(value);
  const axes = given === undefined || given.length === 0 ? Array.from({ length: rank }, (_, i) => i) : [...given];
  return without(view, value, axes, view.int('keepdims', 1) !== 0);
}

function picked(view: NodeView): Value {
  return without(view, view.input(0), [view.int('axis', 0)], view.int('keepdims', 1) !== 0);
}

/** What is left when an operator has made one of all along some axes. */
function without(view: NodeView, value: Value, given: readonly number[], kept: boolean): Value {
  const from = view.dims(value);
  const axes = given.map((at) => view.axis(at, from.length));
  view.apart(value, axes);
  if (kept)
    return revalued(
      value,
      from.map((size, i) => (axes.includes(i) ? one : size)),
    );
  const axis = value.axis === undefined ? undefined : value.axis - axes.filter((at) => at < (value.axis ?? 0)).length;
  return { dims: from.filter((_, i) => !axes.includes(i)), axis };
}

function softmax(view: NodeView): Value {
  const value = view.input(0);
  const rank = view.dims(value).length;
  const at = view.axis(view.int('axis', view.opset < 13 ? 1 : -1), rank);
  // Before opset 13 all dimensions from the axis on were one.
  const axes = view.opset < 13 ? Array.from({ length: rank - at }, (_, i) => at + i) : [at];
  view.apart(value, axes);
  return revalued(value);
}

function layerNormalized(view: NodeView): Value[] {
  const value = view.input(0);
  const from = view.dims(value);
  const at = view.axis(view.int('axis', -1), from.length);
  view.apart(
    value,
    Array.from({ length: from.length - at }, (_, i) => at + i),
  );
  const own = [0, 1, 2].filter((i) => view.has(i)).map((i) => view.input(i));
  const moments = revalued(
    value,
    from.map((size, i) => (i < at ? size : one)),
  );
  return [broadcast(view, own), moments, moments];
}

/** Works on each row [channels, ...] by itself, when the rows are the first dimension. */
function perRow(view: NodeView): Value {
  const value = view.input(0);
  if (value.axis !== undefined && value.axis !== 0) throw view.mixes('takes rows for channels');
  for (let at = 1; at < view.node.inputs.length; at++) view.constant(at);
  return revalued(value);
}

function quantized(view: NodeView): Value {
  for (let at = 1; at < view.node.inputs.length; at++) view.constant(at);
  // A scale for each row of the batch would not fit another batch.
  const scale = view.has(1) ? numberOf(product(view.dims(view.input(1)))) : 1;
  const value = view.input(0);
  if (scale !== 1) view.apart(value, [view.int('axis', 1)], 'has a scale for each row');
  return revalued(value);
}

function laidOverQuantized(view: NodeView, from: number): Value {
  for (const at of [1, 2, 4, 5, from, from + 1]) view.constant(at);
  return broadcast(view, [view.input(0), view.input(3)]);
}
