import type { GraphAttribute, GraphNode, GraphTensor } from './graph.ts';
import { countsRows, fixed, free, numberOf, product, rows, same, times, one, type Size } from './size.ts';

/** What is known of a tensor while a graph is walked, of every request and every batch at once. */
export interface Value {
  /** undefined: not known, not even how many. */
  readonly dims: readonly Size[] | undefined;
  /**
   * Where the rows lie: of this dimension, in as many equal parts as there are rows, part i comes of row i alone.
   * undefined: the values are the same whatever the rows are.
   */
  readonly axis: number | undefined;
  /** The values, where they are few and sizes, as shapes and axes are; an undefined one is the same for all rows. */
  readonly ints?: readonly (Size | undefined)[] | undefined;
  /** The values of a constant of a few floats. */
  readonly floats?: readonly number[] | undefined;
  /** The input of the model that it holds unchanged, in another form perhaps. */
  readonly origin?: string | undefined;
}

/** Thrown by a rule where rows are mixed, or where that cannot be excluded. */
export class RowsMix extends Error {}

/** What an input chooses from: places in a table of that length, or these values. */
export type Choice = number | readonly string[] | readonly number[];

/** A node as its rule sees it. */
export class NodeView {
  readonly node: GraphNode;
  readonly opset: number;
  readonly #inputs: readonly (Value | undefined)[];
  readonly #choices: Map<string, Choice>;
  static #names = 0;

  constructor(node: GraphNode, inputs: readonly (Value | undefined)[], opset: number, choices: Map<string, Choice>) {
    this.node = node;
    this.#inputs = inputs;
    this.opset = opset;
    this.#choices = choices;
  }

  get all(): Value[] {
    return this.#inputs.flatMap((_, i) => (this.has(i) ? [this.input(i)] : []));
  }

  has(at: number): boolean {
    return this.#inputs[at] !== undefined;
  }

  /** An input as data. @throws RowsMix where its values tell how many rows there are. */
  input(at: number): Value {
    const value = this.sized(at);
    if (value.ints?.some((size) => size !== undefined && countsRows(size)) === true) {
      throw this.mixes('reckons with the number of rows');
    }
    return value;
  }

  /** An input whose values may be sizes, that of all rows too. */
  sized(at: number): Value {
    const value = this.#inputs[at];
    if (value === undefined) throw this.doubt();
    return value;
  }

  /** An input that must be the same whatever the rows are: weights, axes, a scale. */
  constant(at: number): Value | undefined {
    if (!this.has(at)) return undefined;
    const value = this.input(at);
    if (value.axis !== undefined) throw this.mixes('takes from the rows what holds for all of them');
    return value;
  }

  /** A shape, in which the number of rows may stand, and nothing else of them. */
  sizes(at: number): Value {
    const value = this.sized(at);
    return value.axis === undefined ? value : (this.constant(at) ?? value);
  }

  /** Whole numbers that a constant input holds. */
  numbers(at: number): number[] | undefined {
    if (!this.has(at)) return undefined;
    const numbers = this.constant(at)?.ints?.map(numberOf);
    if (numbers === undefined || numbers.includes(undefined)) throw this.doubt();
    return numbers as number[];
  }

  attribute(name: string): GraphAttribute | undefined {
    return this.node.attributes.get(name);
  }

  int(name: string, fallback: number): number {
    return this.attribute(name)?.int ?? fallback;
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name)?.ints;
  }

  /** A size that is not known and that the number of rows does not change. */
  unknown(): Size {
    NodeView.#names++;
    return free(`?${NodeView.#names}`);
  }

  dims(value: Value): readonly Size[] {
    if (value.dims === undefined) throw this.doubt();
    return value.dims;
  }

  /** An axis counted from the start. */
  axis(given: number, rank: number): number {
    return given < 0 ? given + rank : given;
  }

  /** Says that an operator works along `axes` of a value. @throws RowsMix where the rows lie there. */
  apart(value: Value, axes: readonly number[], how = 'reckons over the rows'): void {
    const rank = this.dims(value).length;
    if (axes.some((axis) => this.axis(axis, rank) === value.axis)) throw this.mixes(how);
  }

  /** Notes what an input of the model chooses from, where several do the least of it. */
  chooses({ origin }: Value, among: Choice | undefined): void {
    if (origin === undefined || among === undefined) return;
    const before = this.#choices.get(origin);
    const fewer = before === undefined || (typeof before === 'number' && typeof among === 'number' && among < before);
    if (fewer) this.#choices.set(origin, among);
  }

  mixes(how: string): RowsMix {
    const { op, name } = this.node;
    return new RowsMix(`${op}${name === '' || name === op ? '' : ` '${name}'`} ${how}`);
  }

  doubt(): RowsMix {
    return this.mixes('is not known to keep rows apart here');
  }
}

/** A tensor that no row changes. */
export function unchanging(dims: readonly Size[] | undefined, ints?: Value['ints']): Value {
  return { dims, axis: undefined, ints };
}

/** The same rows in another shape. */
export function shaped(value: Value, dims: readonly Size[], axis = value.axis): Value {
  return { dims, axis, origin: value.origin };
}

/** A shape whose sizes are known as far as `ints` says, as a tensor that has it: rows lie where their number stands. */
export function ofShape(view: NodeView, ints: readonly (Size | undefined)[]): Value {
  const dims = ints.map((size) => size ?? view.unknown());
  const counting = dims.flatMap((size, i) => (countsRows(size) ? [i] : []));
  const [axis] = counting;
  if (counting.length > 1) throw view.mixes('sets rows against rows');
  if (axis !== undefined && !same(dims[axis] ?? one, rows)) throw view.doubt();
  return { dims, axis };
}

/** The values side by side as NumPy broadcasts them. @throws RowsMix where rows would meet other rows. */
export function broadcast(view: NodeView, values: readonly Value[]): Value {
  if (values.every((value) => value.axis === undefined) && values.some((value) => value.dims === undefined)) {
    return unchanging(undefined);
  }
  const rank = Math.max(0, ...values.map((value) => view.dims(value).length));
  const lead = (value: Value): number => rank - view.dims(value).length;
  const [axis, ...others] = new Set(
    values.flatMap((value) => (value.axis === undefined ? [] : value.axis + lead(value))),
  );
  if (others.length > 0) throw view.mixes('sets rows against rows');
  const dims = Array.from({ length: rank }, (_, at) => {
    const sizes = values.flatMap((value) => {
      const size = view.dims(value)[at - lead(value)];
      return size === undefined || same(size, one) ? [] : [{ size, holdsRows: value.axis === at - lead(value) }];
    });
    const [first, ...rest] = sizes;
    if (first === undefined) return one;
    const alike = rest.every(({ size }) => same(size, first.size));
    if (at === axis && !(alike && sizes.every(({ holdsRows }) => holdsRows)))
      throw view.mixes('sets rows against rows');
    return alike ? first.size : (sizes.find(({ size }) => numberOf(size) !== undefined)?.size ?? view.unknown());
  });
  return { dims, axis };
}

/** The same elements in row-major order under other sizes. @throws RowsMix where the rows do not stay whole. */
export function reshaped(view: NodeView, value: Value, dims: readonly Size[]): Value {
  if (value.axis === undefined) return { dims, axis: undefined, origin: value.origin };
  const from = view.dims(value);
  const before = product(from.slice(0, value.axis));
  let passed = one;
  for (const [at, size] of dims.entries()) {
    if (countsRows(size)) {
      if (!same(passed, before)) break;
      return { dims, axis: at, origin: value.origin };
    }
    passed = times(passed, size);
  }
  throw view.mixes('lays rows together');
}

export function constantOf({ dims, ints, floats }: GraphTensor): Value {
  return { ...unchanging(dims.map(fixed), ints?.map(fixed)), floats };
}
