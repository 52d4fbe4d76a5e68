import {
  broadcast,
  constantOf,
  ofShape,
  reshaped,
  shaped,
  unchanging,
  type NodeView,
  type Value,
} from './node-view.ts';
import { countsRows, fixed, numberOf, one, over, product, same, times, type Size } from './size.ts';

/** What an operator makes of its inputs. @throws RowsMix */
export type Rule = (view: NodeView) => Value | readonly (Value | Error)[];

/** Ends that exporters write for "to the end" start here; no body has as many rows. */
const endless = 1e9;

/** Operators that move elements, or that reckon with shapes. */
export const shapeRules: Readonly<Record<string, Rule>> = {
  Shape(view) {
    const value = view.sized(0);
    const rank = value.dims?.length ?? 0;
    const from = view.axis(view.int('start', 0), rank);
    const to = view.axis(view.int('end', rank), rank);
    const ints = value.dims?.slice(Math.max(0, from), Math.max(0, to));
    return unchanging(ints === undefined ? undefined : [fixed(ints.length)], ints);
  },
  Size: (view) => unchanging([], [product(view.dims(view.sized(0)))]),
  Constant(view) {
    const tensor = view.attribute('value')?.tensor;
    if (tensor !== undefined) return constantOf(tensor);
    const number = view.attribute('value_int')?.int;
    if (number !== undefined) return unchanging([], [fixed(number)]);
    const numbers = view.attribute('value_ints');
    if (numbers !== undefined) return unchanging([fixed(numbers.length)], numbers.ints.map(fixed));
    const list = view.attribute('value_floats') ?? view.attribute('value_strings');
    const single = view.attribute('value_float') ?? view.attribute('value_string');
    return unchanging(list !== undefined ? [fixed(list.length)] : single === undefined ? undefined : []);
  },
  ConstantOfShape(view) {
    const shape = view.sizes(0);
    if (shape.ints === undefined) return unchanging(undefined);
    const value = ofShape(view, shape.ints);
    const count = numberOf(product(value.dims ?? []));
    const fill = view.attribute('value')?.tensor;
    const number = fill === undefined ? 0 : fill.ints?.[0];
    if (count === undefined || count > 64 || number === undefined || value.axis !== undefined) return value;
    return { ...value, ints: Array.from({ length: count }, () => fixed(number)) };
  },
  Range(view) {
    const [start, limit, step] = [view.constant(0), view.constant(1), view.constant(2)].map((value) =>
      numberOf(value?.ints?.[0]),
    );
    const to = view.input(1).ints?.[0];
    if (start === 0 && step === 1 && to !== undefined) return unchanging([to]);
    const known = start !== undefined && limit !== undefined && step !== undefined && step !== 0;
    return unchanging([known ? fixed(Math.max(0, Math.ceil((limit - start) / step))) : view.unknown()]);
  },
  Identity: (view) => view.sized(0),
  Reshape(view) {
    const value = view.sized(0);
    const shape = view.sizes(1);
    const target = shape.ints ?? [];
    if (target.length === 0 && shape.dims?.[0]?.factor !== 0) {
      if (value.axis === undefined) return unchanging(undefined);
      throw view.doubt();
    }
    const from = view.dims(value);
    const given = target.map((size, i) => {
      if (numberOf(size) === 0 && view.int('allowzero', 0) === 0) return from[i] ?? one;
      return size ?? view.unknown();
    });
    const open = given.findIndex((size) => numberOf(size) === -1);
    const others = product(given.filter((_, i) => i !== open));
    const dims = given.map((size, i) => (i === open ? (over(product(from), others) ?? view.unknown()) : size));
    return { ...reshaped(view, value, dims), ints: value.ints };
  },
  Flatten(view) {
    const value = view.input(0);
    const from = view.dims(value);
    const axis = view.axis(view.int('axis', 1), from.length);
    return reshaped(view, value, [product(from.slice(0, axis)), product(from.slice(axis))]);
  },
  Transpose(view) {
    const value = view.input(0);
    const from = view.dims(value);
    const order = view.ints('perm') ?? from.map((_, i) => from.length - 1 - i);
    const axis = value.axis === undefined ? undefined : order.indexOf(value.axis);
    return { dims: order.map((at) => from[at] ?? one), axis, origin: value.origin };
  },
  Squeeze(view) {
    const value = view.sized(0);
    const from = view.dims(value);
    const given = view.ints('axes') ?? view.numbers(1);
    // Without axes, all sizes of one go: rows too when there is one.
    if (given === undefined && from.some((size) => numberOf(size) === undefined)) throw view.doubt();
    const axes = (given ?? from.flatMap((size, i) => (same(size, one) ? [i] : []))).map((at) =>
      view.axis(at, from.length),
    );
    if (value.axis !== undefined && axes.includes(value.axis)) throw view.mixes('takes a single row for all');
    const axis = value.axis === undefined ? undefined : value.axis - axes.filter((at) => at < (value.axis ?? 0)).length;
    return {
      ...shaped(
        value,
        from.filter((_, i) => !axes.includes(i)),
        axis,
      ),
      ints: value.ints,
    };
  },
  Unsqueeze(view) {
    const value = view.sized(0);
    const given = view.ints('axes') ?? view.numbers(1) ?? [];
    const from = [...view.dims(value)];
    const rank = from.length + given.length;
    const axes = new Set(given.map((at) => view.axis(at, rank)));
    let axis: number | undefined;
    const dims: Size[] = [];
    for (let at = 0, source = 0; at < rank; at++) {
      if (!axes.has(at) && source === value.axis) axis = at;
      dims.push(axes.has(at) ? one : (from[source++] ?? one));
    }
    return { ...shaped(value, dims, axis), ints: value.ints };
  },
  Concat(view) {
    const values = view.node.inputs.map((_, i) => view.sized(i));
    const [first] = values;
    if (values.every((value) => value.axis === undefined)) return joined(view, values);
    values.forEach((_, i) => view.input(i));
    const rank = view.dims(first ?? view.input(0)).length;
    const at = view.axis(view.int('axis', 1), rank);
    for (const value of values) view.apart(value, [at], 'lays rows beside each other');
    const axes = new Set(values.map(({ axis }) => axis));
    if (axes.size > 1) throw view.doubt();
    const dims = values.map((value) => view.dims(value));
    const sum = dims.map((own) => numberOf(own[at]));
    const total = sum.includes(undefined) ? view.unknown() : fixed(sum.reduce<number>((a, b) => a + (b ?? 0), 0));
    return { dims: (dims[0] ?? []).map((size, i) => (i === at ? total : size)), axis: first?.axis };
  },
  Split(view) {
    const value = view.input(0);
    const from = view.dims(value);
    const at = view.axis(view.int('axis', 0), from.length);
    view.apart(value, [at], 'deals the rows out');
    const own = view.ints('split') ?? (view.has(1) ? view.constant(1)?.ints?.map(numberOf) : undefined);
    const count = view.node.outputs.length;
    const even = numberOf(over(from[at] ?? one, fixed(count)));
    return view.node.outputs.map((_, i) => {
      const part = own?.[i] ?? even;
      const dims = from.map((size, d) => (d !== at ? size : part === undefined ? view.unknown() : fixed(part)));
      return shaped(value, dims);
    });
  },
  Slice(view) {
    const value = view.sized(0);
    const old = view.ints('starts') !== undefined;
    const list = (name: string, at: number): (number | undefined)[] | undefined =>
      old ? view.ints(name)?.slice() : view.has(at) ? (view.constant(at)?.ints?.map(numberOf) ?? []) : undefined;
    const starts = list('starts', 1) ?? [];
    const ends = list('ends', 2) ?? [];
    const steps = old ? undefined : list('steps', 4);
    const from = view.dims(value);
    const given = list('axes', 3) ?? from.map((_, i) => i).slice(0, Math.max(starts.length, ends.length, 1));
    if (given.includes(undefined) || (given.length === 0 && value.axis !== undefined)) throw view.doubt();
    const axes = given.map((at) => view.axis(at ?? 0, from.length));
    const dims = [...from];
    for (const [i, at] of axes.entries()) {
      const whole = starts[i] === 0 && (ends[i] ?? 0) >= endless && (steps === undefined || steps[i] === 1);
      if (whole) continue;
      if (at === value.axis) throw view.mixes('picks some of the rows');
      dims[at] = sliced(numberOf(from[at]), starts[i], ends[i], steps === undefined ? 1 : steps[i], view);
    }
    const { ints } = value;
    const [start, end, step] = [starts[0], ends[0], steps === undefined ? 1 : steps[0]];
    if (ints === undefined || from.length !== 1 || start === undefined || end === undefined || step !== 1) {
      return shaped(view.input(0), dims);
    }
    return { ...shaped(value, dims), ints: ints.slice(start, Math.min(end, ints.length)) };
  },
  Gather(view) {
    const data = view.sized(0);
    const indices = view.input(1);
    const from = view.dims(data);
    const at = view.axis(view.int('axis', 0), from.length);
    const inner = view.dims(indices);
    const dims = [...from.slice(0, at), ...inner, ...from.slice(at + 1)];
    if (data.axis === undefined && indices.axis !== undefined) {
      view.chooses(indices, numberOf(view.dims(view.input(0))[at]));
      return { dims, axis: at + indices.axis };
    }
    view.apart(data, [at], 'picks some of the rows');
    if (data.axis !== undefined && indices.axis !== undefined) throw view.doubt();
    const axis = data.axis === undefined || data.axis < at ? data.axis : data.axis - 1 + inner.length;
    const places = indices.ints?.map(numberOf);
    const known = data.ints !== undefined && places !== undefined && !places.includes(undefined);
    if (!known) {
      view.input(0);
      return { dims, axis };
    }
    const { ints = [] } = data;
    return { dims, axis, ints: places.map((place) => ints[view.axis(place ?? 0, ints.length)]) };
  },
  GatherElements(view) {
    const [data, indices] = [view.input(0), view.input(1)];
    const rank = view.dims(data).length;
    view.apart(data, [view.axis(view.int('axis', 0), rank)], 'picks some of the rows');
    if (data.axis !== indices.axis) throw view.doubt();
    return shaped(indices, view.dims(indices));
  },
  GatherND(view) {
    const [data, indices] = [view.input(0), view.input(1)];
    const width = numberOf(view.dims(indices).at(-1));
    const shared = view.int('batch_dims', 0);
    const from = view.dims(data);
    const lead = view.dims(indices).slice(0, -1);
    if (width === undefined) throw view.doubt();
    const dims = [...lead, ...from.slice(shared + width)];
    if (data.axis === undefined && indices.axis !== undefined && indices.axis < lead.length) {
      return { dims, axis: indices.axis };
    }
    const together = data.axis === indices.axis && data.axis !== undefined && data.axis < shared;
    if (!together && (data.axis !== undefined || indices.axis !== undefined)) throw view.doubt();
    return { dims, axis: data.axis };
  },
  Expand(view) {
    const value = view.input(0);
    const target = view.sizes(1);
    if (target.ints === undefined) {
      if (value.axis === undefined) return unchanging(undefined);
      throw view.doubt();
    }
    const shape = target.ints.map((size) => size ?? view.unknown());
    const at = shape.findIndex(countsRows);
    const out = broadcast(view, [value, { dims: shape, axis: at < 0 ? undefined : at }]);
    return { ...out, origin: value.origin };
  },
  Tile(view) {
    const value = view.input(0);
    const repeats = view.sizes(1).ints;
    if (repeats === undefined) {
      if (value.axis === undefined) return unchanging(undefined);
      throw view.doubt();
    }
    const from = view.dims(value);
    const counting = repeats.findIndex((size) => size !== undefined && countsRows(size));
    if (value.axis !== undefined && numberOf(repeats[value.axis]) !== 1) throw view.mixes('repeats the rows');
    if (counting >= 0 && !(value.axis === undefined && same(from[counting] ?? one, one))) throw view.doubt();
    const dims = from.map((size, i) => times(size, repeats[i] ?? view.unknown()));
    return { dims, axis: counting >= 0 ? counting : value.axis };
  },
  Pad(view) {
    const value = view.input(0);
    const from = view.dims(value);
    const pads = view.ints('pads') ?? view.constant(1)?.ints?.map(numberOf) ?? [];
    const named = view.has(3) ? view.numbers(3) : undefined;
    const axes = (named ?? from.map((_, i) => i)).map((at) => view.axis(at, from.length));
    const dims = [...from];
    for (const at of from.keys()) {
      const place = axes.indexOf(at);
      if (place < 0) continue;
      const [before, after] = [pads[place], pads[place + axes.length]];
      if (before === 0 && after === 0) continue;
      if (at === value.axis) throw view.mixes('adds rows');
      const size = numberOf(from[at]);
      const known = size !== undefined && before !== undefined && after !== undefined;
      dims[at] = known ? fixed(size + before + after) : view.unknown();
    }
    return shaped(value, dims);
  },
  OneHot(view) {
    const indices = view.input(0);
    const depth = numberOf(view.constant(1)?.ints?.[0]);
    view.constant(2);
    const from = view.dims(indices);
    const at = view.axis(view.int('axis', -1), from.length + 1);
    const axis = indices.axis === undefined || indices.axis < at ? indices.axis : indices.axis + 1;
    const size = depth === undefined ? view.unknown() : fixed(depth);
    return { dims: [...from.slice(0, at), size, ...from.slice(at)], axis };
  },
  Trilu(view) {
    const value = view.input(0);
    view.constant(1);
    view.apart(value, [-1, -2], 'sets rows against their places');
    return value;
  },
  ReverseSequence(view) {
    const value = view.input(0);
    view.apart(value, [view.int('time_axis', 0)], 'turns the rows round');
    const lengths = view.input(1);
    if (lengths.axis !== undefined && value.axis !== view.int('batch_axis', 1)) throw view.doubt();
    return value;
  },
  DepthToSpace: (view) =>
    blocks(
      view,
      (factor) => 1 / factor ** 2,
      (factor) => factor,
    ),
  SpaceToDepth: (view) =>
    blocks(
      view,
      (factor) => factor ** 2,
      (factor) => 1 / factor,
    ),
};

function joined(view: NodeView, values: readonly Value[]): Value {
  const ranks = new Set(values.map((value) => value.dims?.length));
  if (!(ranks.size === 1 && ranks.has(1))) {
    values.forEach((_, i) => view.input(i));
    if (values.some((value) => value.dims === undefined)) return unchanging(undefined);
    const at = view.axis(view.int('axis', 1), values[0]?.dims?.length ?? 0);
    const parts = values.map((value) => numberOf(value.dims?.[at]));
    const total = parts.includes(undefined) ? view.unknown() : fixed(parts.reduce<number>((a, b) => a + (b ?? 0), 0));
    return unchanging((values[0]?.dims ?? []).map((size, i) => (i === at ? total : size)));
  }
  const lengths = values.map((value) => numberOf(value.dims?.[0]));
  if (lengths.includes(undefined)) {
    values.forEach((_, i) => view.input(i));
    return unchanging([view.unknown()]);
  }
  const ints = values.flatMap((value, i) => value.ints ?? Array.from({ length: lengths[i] ?? 0 }, () => undefined));
  return unchanging([fixed(ints.length)], ints);
}

function sliced(
  size: number | undefined,
  start: number | undefined,
  end: number | undefined,
  step: number | undefined,
  view: NodeView,
): Size {
  if (size === undefined || start === undefined || end === undefined || step === undefined || step < 1) {
    return view.unknown();
  }
  const clamp = (at: number): number => Math.min(size, Math.max(0, at < 0 ? at + size : at));
  return fixed(Math.max(0, Math.ceil((clamp(end) - clamp(start)) / step)));
}

function blocks(view: NodeView, depth: (factor: number) => number, side: (factor: number) => number): Value {
  const value = view.input(0);
  const [n = one, channels, ...space] = view.dims(value);
  view.apart(value, [1, 2, 3], 'moves elements between rows');
  const factor = view.int('blocksize', 1);
  const scaled = (size: Size | undefined, by: number): Size => {
    const number = numberOf(size);
    return number === undefined ? view.unknown() : fixed(number * by);
  };
  return shaped(value, [n, scaled(channels, depth(factor)), ...space.map((size) => scaled(size, side(factor)))]);
}
