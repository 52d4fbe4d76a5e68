import { didYouMean, MlopsError } from '../base/index.ts';
import type { Random } from './random.ts';

/** Any value that YAML or JSON holds. */
export type ParamValue =
  | string
  | number
  | boolean
  | null
  | readonly ParamValue[]
  | { readonly [key: string]: ParamValue };
export type Params = Readonly<Record<string, ParamValue>>;

/** A numeric range: both ends belong to it. An int always has a step (1 unless said), a float only when said. */
export interface NumericDomain {
  readonly type: 'float' | 'int';
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly step: number | undefined;
}
export interface CategoricalDomain {
  readonly type: 'categorical';
  readonly choices: readonly ParamValue[];
}
export type Domain = NumericDomain | CategoricalDomain;

/** A parameter: where its values lie, and the values of its parents for which it exists at all. */
export interface Parameter {
  readonly name: string;
  readonly domain: Domain;
  readonly when: ReadonlyMap<string, readonly ParamValue[]>;
}

/** The parameters in an order in which parents precede the ones that depend on them. */
export class Space {
  readonly parameters: readonly Parameter[];
  readonly #byName: ReadonlyMap<string, Parameter>;

  constructor(parameters: readonly Parameter[]) {
    this.#byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
    this.parameters = parentsFirst(parameters, this.#byName);
  }

  get(name: string): Parameter | undefined {
    return this.#byName.get(name);
  }

  get conditional(): boolean {
    return this.parameters.some((parameter) => parameter.when.size > 0);
  }

  /** Whether a parameter exists, given the values of the ones before it. */
  isActive(parameter: Parameter, params: Params): boolean {
    for (const [parent, values] of parameter.when) {
      const value = params[parent];
      if (value === undefined || !values.some((allowed) => sameValue(allowed, value))) return false;
    }
    return true;
  }

  /** The parameters that exist with these values, without others. */
  active(params: Params): Record<string, ParamValue> {
    const kept: Record<string, ParamValue> = {};
    for (const parameter of this.parameters) {
      const value = params[parameter.name];
      if (value !== undefined && this.isActive(parameter, kept)) kept[parameter.name] = value;
    }
    return kept;
  }

  /** Calls `draw` for each parameter that exists, parents first, and returns what it gave. */
  fill(draw: (parameter: Parameter) => ParamValue): Record<string, ParamValue> {
    const params: Record<string, ParamValue> = {};
    for (const parameter of this.parameters) {
      if (this.isActive(parameter, params)) params[parameter.name] = draw(parameter);
    }
    return params;
  }

  /** All settings of a finite space, the first parameter slowest. */
  settings(from = 0, params: Readonly<Record<string, ParamValue>> = {}): Params[] {
    const parameter = this.parameters[from];
    if (parameter === undefined) return [params];
    if (!this.isActive(parameter, params)) return this.settings(from + 1, params);
    return valuesOf(parameter.domain).flatMap((value) =>
      this.settings(from + 1, { ...params, [parameter.name]: value }),
    );
  }

  /** The number of different settings, Infinity where a float without a step is among them. */
  size(): number {
    return this.#count({}, 0);
  }

  #count(params: Record<string, ParamValue>, from: number): number {
    const parameter = this.parameters[from];
    if (parameter === undefined) return 1;
    if (!this.isActive(parameter, params)) return this.#count(params, from + 1);
    const count = cardinality(parameter.domain);
    if (count === Infinity) return Infinity;
    const rest = this.parameters.slice(from + 1);
    if (!rest.some((other) => other.when.has(parameter.name))) return count * this.#count(params, from + 1);
    let sum = 0;
    for (const value of valuesOf(parameter.domain)) {
      sum += this.#count({ ...params, [parameter.name]: value }, from + 1);
    }
    return sum;
  }
}

function parentsFirst(parameters: readonly Parameter[], byName: ReadonlyMap<string, Parameter>): Parameter[] {
  const placed = new Set<string>();
  const ordered: Parameter[] = [];
  const place = (parameter: Parameter, path: readonly string[]): void => {
    if (placed.has(parameter.name)) return;
    if (path.includes(parameter.name)) {
      throw new MlopsError('tune_space', `the conditions of ${[...path, parameter.name].join(' -> ')} run in a circle`);
    }
    for (const [parent, values] of parameter.when) {
      const found = byName.get(parent);
      if (found === undefined) {
        throw new MlopsError('tune_space', `'${parameter.name}' depends on '${parent}', which is no parameter`, {
          hint: didYouMean(parent, byName.keys()),
        });
      }
      for (const value of values) {
        if (!contains(found.domain, value)) {
          throw new MlopsError(
            'tune_space',
            `'${parameter.name}' waits for ${parent}=${JSON.stringify(value)}, a value that '${parent}' never takes`,
          );
        }
      }
      place(found, [...path, parameter.name]);
    }
    placed.add(parameter.name);
    ordered.push(parameter);
  };
  for (const parameter of parameters) place(parameter, []);
  return ordered;
}

export function sameValue(a: ParamValue, b: ParamValue): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

/** How many values a domain has. */
export function cardinality(domain: Domain): number {
  if (domain.type === 'categorical') return domain.choices.length;
  if (domain.low === domain.high) return 1;
  return domain.step === undefined ? Infinity : Math.floor((domain.high - domain.low) / domain.step + 1e-9) + 1;
}

/** The values of a domain with few enough of them, in order. */
export function valuesOf(domain: Domain): readonly ParamValue[] {
  if (domain.type === 'categorical') return domain.choices;
  if (domain.low === domain.high) return [domain.low];
  const step = domain.step ?? domain.high - domain.low;
  return Array.from({ length: cardinality(domain) }, (_, i) => onGrid(domain, domain.low + i * step));
}

export function contains(domain: Domain, value: ParamValue): boolean {
  if (domain.type === 'categorical') return domain.choices.some((choice) => sameValue(choice, value));
  if (typeof value !== 'number' || value < domain.low || value > domain.high) return false;
  if (domain.type === 'int' && !Number.isInteger(value)) return false;
  if (domain.step === undefined) return true;
  const steps = (value - domain.low) / domain.step;
  return Math.abs(steps - Math.round(steps)) < 1e-8 * Math.max(1, Math.abs(steps));
}

/** A choice as its index, a number as itself. */
export function toNumber(domain: Domain, value: ParamValue): number {
  if (domain.type === 'categorical') return domain.choices.findIndex((choice) => sameValue(choice, value));
  return value as number;
}

export function fromNumber(domain: Domain, number: number): ParamValue {
  return domain.type === 'categorical' ? (domain.choices[number] as ParamValue) : number;
}

/** The nearest value of a numeric domain; half steps go to the even one, as numpy rounds. */
export function onGrid(domain: NumericDomain, value: number): number {
  let near = value;
  if (domain.step !== undefined) {
    near = domain.low + roundHalfEven((value - domain.low) / domain.step) * domain.step;
    if (domain.type === 'int') near = Math.round(near);
  }
  return Math.min(Math.max(near, domain.low), domain.high);
}

export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The ends of a numeric domain where samplers work: half a step beyond it, in logarithms where it is log. */
export function transformedBounds(domain: NumericDomain): readonly [low: number, high: number] {
  const half = (domain.step ?? 0) / 2;
  const [low, high] = [domain.low - half, domain.high + half];
  return domain.log ? [Math.log(low), Math.log(high)] : [low, high];
}

/** A value in [0, 1] as a value of the domain, evenly in the transformed range. */
export function fromUnit(domain: Domain, unit: number): ParamValue {
  if (domain.type === 'categorical') {
    const index = Math.min(Math.floor(unit * domain.choices.length), domain.choices.length - 1);
    return domain.choices[index] as ParamValue;
  }
  if (domain.low === domain.high) return domain.low;
  const [low, high] = transformedBounds(domain);
  const value = low + unit * (high - low);
  return onGrid(domain, domain.log ? Math.exp(value) : value);
}

/** The place of a numeric value in the transformed range, in [0, 1]. */
export function toUnit(domain: NumericDomain, value: number): number {
  if (domain.low === domain.high) return 0.5;
  const [low, high] = transformedBounds(domain);
  return ((domain.log ? Math.log(value) : value) - low) / (high - low);
}

export function drawUniform(domain: Domain, random: Random): ParamValue {
  return fromUnit(domain, random.uniform());
}
