import { broadcast, reshaped, unchanging, type NodeView, type Value } from './node-view.ts';
import type { Rule } from './shape-rules.ts';
import { fixed, numberOf, one, rows, same, type Size } from './size.ts';

/** Operators with weights: products, convolutions, pools, recurrent nets, and what scikit-learn's models become. */
export const weightRules: Readonly<Record<string, Rule>> = {
  MatMul: (view) => multiplied(view, view.input(0), view.input(1)),
  MatMulInteger(view) {
    for (const at of [2, 3]) view.constant(at);
    return multiplied(view, view.input(0), view.input(1));
  },
  QLinearMatMul(view) {
    for (const at of [1, 2, 4, 5, 6, 7]) view.constant(at);
    return multiplied(view, view.input(0), view.input(3));
  },
  Gemm(view) {
    const turned = (value: Value, name: string): Value => {
      if (view.int(name, 0) === 0) return value;
      const [a = one, b = one] = view.dims(value);
      return { dims: [b, a], axis: value.axis === undefined ? undefined : 1 - value.axis };
    };
    const result = multiplied(view, turned(view.input(0), 'transA'), turned(view.input(1), 'transB'));
    return view.has(2) ? broadcast(view, [result, view.input(2)]) : result;
  },
  Einsum(view) {
    const equation = (view.attribute('equation')?.text ?? '').replaceAll(' ', '');
    const [left = '', right] = equation.split('->');
    const terms = left.split(',');
    const letters = new Set<string>();
    for (const [i, term] of terms.entries()) {
      const { axis } = view.input(i);
      if (axis !== undefined) letters.add(term[axis] ?? '');
    }
    const [letter] = letters;
    if (letter === undefined) return unchanging(undefined);
    const apart = terms.every((term, i) => term.includes(letter) === (view.input(i).axis !== undefined));
    const once = terms.every((term) => term.split(letter).length <= 2);
    if (letters.size > 1 || !apart || !once || right?.includes(letter) !== true || equation.includes('.')) {
      throw view.mixes('multiplies rows with rows');
    }
    const known = new Map<string, Size>();
    for (const [i, term] of terms.entries())
      view.dims(view.input(i)).forEach((size, d) => known.set(term[d] ?? '', size));
    return { dims: Array.from(right, (name) => known.get(name) ?? view.unknown()), axis: right.indexOf(letter) };
  },
  Conv: (view) => convolved(view, view.input(0), 1),
  ConvInteger(view) {
    for (const at of [2, 3]) view.constant(at);
    return convolved(view, view.input(0), 1);
  },
  QLinearConv(view) {
    for (const at of [1, 2, 4, 5, 6, 7, 8]) view.constant(at);
    return convolved(view, view.input(0), 3);
  },
  ConvTranspose(view) {
    const value = rowsFirst(view);
    const weights = view.constant(1);
    view.constant(2);
    const channels = numberOf(weights?.dims?.[1]);
    const [n = one, , ...space] = view.dims(value);
    const made = channels === undefined ? view.unknown() : fixed(channels * view.int('group', 1));
    return { dims: [n, made, ...space.map(() => view.unknown())], axis: value.axis };
  },
  // The places that a pool answers beside the values count through all rows.
  MaxPool: (view) => [pooled(view), view.mixes('counts places through all rows')],
  AveragePool: pooled,
  LpPool: pooled,
  GlobalAveragePool: globally,
  GlobalMaxPool: globally,
  GlobalLpPool: globally,
  QLinearGlobalAveragePool: globally,
  Resize: resized,
  Upsample: resized,
  LSTM: (view) => recurrent(view, 3),
  GRU: (view) => recurrent(view, 2),
  RNN: (view) => recurrent(view, 2),
  CDist(view) {
    const value = table(view);
    return { dims: [rows, view.dims(view.constant(1) ?? value)[0] ?? view.unknown()], axis: 0 };
  },
};

function multiplied(view: NodeView, a: Value, b: Value): Value {
  if (a.axis === undefined && b.axis === undefined && (a.dims === undefined || b.dims === undefined)) {
    return unchanging(undefined);
  }
  const [left, right] = [view.dims(a), view.dims(b)];
  // Along these, products are summed.
  view.apart(a, [-1], 'sums over the rows');
  view.apart(b, [right.length === 1 ? 0 : -2], 'sums over the rows');
  const batches = (value: Value, dims: readonly Size[]): Value => {
    const own = dims.slice(0, -2);
    return { dims: own, axis: value.axis !== undefined && value.axis < own.length ? value.axis : undefined };
  };
  const [x, y] = [batches(a, left), batches(b, right)];
  const lead = broadcast(view, [x, y]);
  const [height, width] = [left.length > 1 ? left.at(-2) : undefined, right.length > 1 ? right.at(-1) : undefined];
  const dims = [
    ...(lead.dims ?? []),
    ...(height === undefined ? [] : [height]),
    ...(width === undefined ? [] : [width]),
  ];
  const inHeight = a.axis !== undefined && x.axis === undefined;
  const inWidth = b.axis !== undefined && y.axis === undefined;
  if (Number(inHeight) + Number(inWidth) + Number(lead.axis !== undefined) > 1) {
    throw view.mixes('multiplies rows with rows');
  }
  if (inHeight) return { dims, axis: lead.dims?.length ?? 0 };
  return { dims, axis: inWidth ? dims.length - 1 : lead.axis };
}

/** [rows, channels, ...]. */
function rowsFirst(view: NodeView): Value {
  const value = view.input(0);
  if (value.axis !== undefined && value.axis !== 0) throw view.mixes('takes rows for channels');
  view.dims(value);
  return value;
}

function convolved(view: NodeView, value: Value, weightsAt: number): Value {
  rowsFirst(view);
  const weights = view.constant(weightsAt);
  if (weightsAt === 1 && view.node.op === 'Conv') view.constant(2);
  const [made, , ...kernel] = weights?.dims ?? [];
  const [n = one, , ...space] = view.dims(value);
  const given = view.ints('kernel_shape') ?? kernel.map(numberOf);
  return { dims: [n, made ?? view.unknown(), ...slid(view, space, given)], axis: value.axis };
}

function pooled(view: NodeView): Value {
  const value = rowsFirst(view);
  const [n = one, channels = one, ...space] = view.dims(value);
  return { dims: [n, channels, ...slid(view, space, view.ints('kernel_shape') ?? [])], axis: value.axis };
}

/** How often a window fits: ONNX's formula of convolutions and pools. */
function slid(view: NodeView, space: readonly Size[], kernel: readonly (number | undefined)[]): Size[] {
  const strides = view.ints('strides') ?? [];
  const dilations = view.ints('dilations') ?? [];
  const pads = view.ints('pads') ?? [];
  const automatic = view.attribute('auto_pad')?.text ?? 'NOTSET';
  const round = view.int('ceil_mode', 0) === 0 ? Math.floor : undefined;
  return space.map((size, i) => {
    const [length, window, step] = [numberOf(size), kernel[i], strides[i] ?? 1];
    if (length === undefined || window === undefined || round === undefined) return view.unknown();
    if (automatic.startsWith('SAME')) return fixed(Math.ceil(length / step));
    const padding = automatic === 'VALID' ? 0 : (pads[i] ?? 0) + (pads[i + space.length] ?? 0);
    return fixed(round((length + padding - ((dilations[i] ?? 1) * (window - 1) + 1)) / step) + 1);
  });
}

function globally(view: NodeView): Value {
  const value = rowsFirst(view);
  for (let at = 1; at < view.node.inputs.length; at++) view.constant(at);
  return { dims: view.dims(value).map((size, i) => (i < 2 ? size : one)), axis: value.axis };
}

function resized(view: NodeView): Value {
  const value = rowsFirst(view);
  const from = view.dims(value);
  if (value.axis !== undefined && view.ints('axes') === undefined && !keepsRows(view)) throw view.doubt();
  if (view.ints('axes')?.some((at) => view.axis(at, from.length) < 1) === true) throw view.doubt();
  return { dims: from.map((size, i) => (i === 0 ? size : view.unknown())), axis: value.axis };
}

/** True where the scales, or the sizes to come, leave the number of rows as it is. */
function keepsRows(view: NodeView): boolean {
  if (view.has(3)) {
    const [first] = view.sizes(3).ints ?? [];
    return first !== undefined && same(first, rows);
  }
  return view.constant(view.node.op === 'Resize' && view.opset > 10 ? 2 : 1)?.floats?.[0] === 1;
}

/** X [steps, rows, width], or with `layout` 1 [rows, steps, width]. */
function recurrent(view: NodeView, outputs: number): Value[] {
  const value = view.input(0);
  const layout = view.int('layout', 0);
  const [at, stateAt] = layout === 0 ? [1, 1] : [0, 0];
  if (value.axis !== at) throw view.mixes('reckons along the rows');
  for (const i of [1, 2, 3, 7]) view.constant(i);
  if (view.has(4) && view.input(4).axis === undefined) throw view.doubt();
  for (const i of [5, 6]) {
    if (view.has(i) && view.input(i).axis !== stateAt) throw view.doubt();
  }
  const [a = one, b = one] = view.dims(value);
  const hidden = fixed(view.int('hidden_size', 1));
  const ways = fixed(view.attribute('direction')?.text === 'bidirectional' ? 2 : 1);
  const all: Value = layout === 0 ? { dims: [a, ways, b, hidden], axis: 2 } : { dims: [a, b, ways, hidden], axis: 0 };
  const last: Value = layout === 0 ? { dims: [ways, b, hidden], axis: 1 } : { dims: [a, ways, hidden], axis: 0 };
  return [all, last, last].slice(0, outputs);
}

/** A matrix of rows. */
function table(view: NodeView): Value {
  const value = view.input(0);
  if (view.dims(value).length !== 2 || value.axis !== 0) throw view.doubt();
  return value;
}

function classifier(view: NodeView): Value[] {
  const { axis, dims = [] } = table(view);
  const classes = [...view.node.attributes].find(([name, { length }]) => name.startsWith('classlabels_') && length > 0);
  const width = classes === undefined ? view.unknown() : fixed(classes[1].length);
  return [
    { dims: dims.slice(0, 1), axis },
    { dims: [...dims.slice(0, 1), width], axis },
  ];
}

function regressor(view: NodeView): Value {
  const { axis, dims = [] } = table(view);
  return { dims: [...dims.slice(0, 1), fixed(view.int('n_targets', view.int('targets', 1)))], axis };
}

function perValue(view: NodeView): Value {
  const { dims, axis } = view.input(0);
  return { dims, axis };
}

function perTableValue(view: NodeView): Value {
  const { dims, axis } = table(view);
  return { dims, axis };
}

/** The domain `ai.onnx.ml`. */
export const mlRules: Readonly<Record<string, Rule>> = {
  LinearClassifier: classifier,
  SVMClassifier: classifier,
  TreeEnsembleClassifier: classifier,
  LinearRegressor: regressor,
  SVMRegressor: regressor,
  TreeEnsembleRegressor: regressor,
  TreeEnsemble: regressor,
  Normalizer: perTableValue,
  Scaler: perTableValue,
  Imputer: perTableValue,
  ZipMap: perTableValue,
  Binarizer: perValue,
  LabelEncoder(view) {
    const keys = view.attribute('keys_strings')?.texts ?? [];
    view.chooses(view.input(0), keys.length > 0 ? keys : undefined);
    return perValue(view);
  },
  CategoryMapper: perValue,
  OneHotEncoder(view) {
    const { dims = [], axis } = view.input(0);
    const [numbers, texts] = [view.attribute('cats_int64s'), view.attribute('cats_strings')];
    view.chooses(view.input(0), (texts?.length ?? 0) > 0 ? texts?.texts : numbers?.ints);
    const count = Math.max(numbers?.length ?? 0, texts?.length ?? 0) || undefined;
    return { dims: [...dims, count === undefined ? view.unknown() : fixed(count)], axis };
  },
  FeatureVectorizer(view) {
    const values = view.all;
    if (values.some((value) => value.axis !== 0 || value.dims?.length !== 2)) throw view.doubt();
    return { dims: [rows, view.unknown()], axis: 0 };
  },
  ArrayFeatureExtractor(view) {
    const [data, indices] = [view.input(0), view.input(1)];
    const from = view.dims(data);
    view.apart(data, [-1], 'picks some of the rows');
    const inner = view.dims(indices);
    if (data.axis !== undefined && indices.axis !== undefined) throw view.doubt();
    const lead = from.length === 1 ? [one] : from.slice(0, -1);
    const flat = reshaped(view, indices, [inner.reduce((a, b) => (same(a, one) ? b : a), one)]);
    if (inner.filter((size) => !same(size, one)).length > 1) throw view.doubt();
    const axis = data.axis ?? (flat.axis === undefined ? undefined : lead.length);
    return { dims: [...lead, ...(flat.dims ?? [])], axis };
  },
};

/** Text operators of ONNX's own domain. */
export const textRules: Readonly<Record<string, Rule>> = {
  TfIdfVectorizer(view) {
    const { axis, dims = [] } = table(view);
    return { dims: [...dims.slice(0, 1), view.unknown()], axis };
  },
  StringNormalizer(view) {
    if (view.attribute('stopwords') !== undefined) throw view.mixes('leaves out rows that are stop words');
    return perValue(view);
  },
};
