import { MlopsError } from '../base/index.ts';
import { object, only } from './fields.ts';
import { Space, sameValue, type Domain, type NumericDomain, type Parameter, type ParamValue } from './space.ts';

/** Reads `{NAME: {"type", "low", "high", "log", "step", "choices", "when"}}`. Throws a `tune_space` error. */
export function readSpace(data: unknown): Space {
  const fields = object(data ?? {}, 'space');
  const parameters = Object.entries(fields).map(([name, value]) => readParameter(name, value));
  if (parameters.length === 0) throw new MlopsError('tune_space', 'the space is empty: it needs a parameter at least');
  return new Space(parameters);
}

function readParameter(name: string, data: unknown): Parameter {
  const fields = object(data, name);
  only(fields, ['type', 'low', 'high', 'log', 'step', 'choices', 'when'], name);
  const when = new Map<string, readonly ParamValue[]>();
  for (const [parent, value] of Object.entries(object(fields['when'] ?? {}, `${name}.when`))) {
    // A list means any of its values; a single value means just that one.
    when.set(parent, Array.isArray(value) ? (value as ParamValue[]) : [value as ParamValue]);
  }
  return { name, domain: readDomain(name, fields), when };
}

function readDomain(name: string, fields: Readonly<Record<string, unknown>>): Domain {
  const type = fields['type'] ?? (fields['choices'] === undefined ? undefined : 'categorical');
  if (type === 'categorical') return categorical(name, fields['choices']);
  if (type !== 'float' && type !== 'int') {
    throw new MlopsError('tune_space', `'${name}': the type is float, int or categorical, not ${JSON.stringify(type)}`);
  }
  if (fields['choices'] !== undefined) throw new MlopsError('tune_space', `'${name}' is ${type} and has 'choices'`);
  const log = fields['log'] ?? false;
  if (typeof log !== 'boolean') throw new MlopsError('tune_space', `'${name}': 'log' is true or false`);
  const step = fields['step'] === undefined || fields['step'] === null ? undefined : number(name, fields, 'step');
  return numericDomain(name, { type, low: number(name, fields, 'low'), high: number(name, fields, 'high'), log, step });
}

function categorical(name: string, choices: unknown): Domain {
  if (!Array.isArray(choices) || choices.length === 0) {
    throw new MlopsError('tune_space', `'${name}' needs 'choices', a list with a value at least`);
  }
  const values = choices as ParamValue[];
  const twice = values.find((value, i) => values.findIndex((other) => sameValue(other, value)) !== i);
  if (twice !== undefined) {
    throw new MlopsError('tune_space', `'${name}' has the choice ${JSON.stringify(twice)} twice`);
  }
  return { type: 'categorical', choices: values };
}

/** Checks a numeric range. The upper end comes down to the last whole step, as in Optuna. */
export function numericDomain(name: string, given: NumericDomain): NumericDomain {
  const { type, low, log } = given;
  const wrong = (message: string): never => {
    throw new MlopsError('tune_space', `'${name}': ${message}`);
  };
  if (low > given.high) wrong(`'low' ${low} is above 'high' ${given.high}`);
  if (type === 'int' && !(Number.isSafeInteger(low) && Number.isSafeInteger(given.high))) {
    wrong('the ends of an int are whole numbers');
  }
  if (given.step !== undefined && !(given.step > 0)) wrong(`'step' must be above 0, not ${given.step}`);
  if (type === 'int' && given.step !== undefined && !Number.isInteger(given.step)) wrong(`the step of an int is whole`);
  if (log && low <= 0) wrong(`a logarithmic range starts above 0, not at ${low}`);
  if (log && given.step !== undefined && !(type === 'int' && given.step === 1)) {
    wrong(`'log' and 'step' exclude each other`);
  }
  const step = given.step ?? (type === 'int' ? 1 : undefined);
  if (step === undefined) return { type, low, high: given.high, log, step };
  const steps = Math.floor((given.high - low) / step + 1e-9);
  const high = low + steps * step > given.high ? given.high : low + steps * step;
  return { type, low, high, log, step };
}

function number(name: string, fields: Readonly<Record<string, unknown>>, key: string): number {
  const value = fields[key];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const got = value === undefined ? 'is missing' : `must be a number, not ${JSON.stringify(value)}`;
  throw new MlopsError('tune_space', `'${name}': '${key}' ${got}`);
}
