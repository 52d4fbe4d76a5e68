import { createRequire } from 'node:module';
import type * as SmolToml from 'smol-toml';

import { isTooDeep, limits } from '../yaml/limits.ts';
import { MlopsError, PyDate, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';

/**
 * Reads TOML 1.0 into Python's types: ints and floats apart, dates as `PyDate`.
 *
 * @throws MlopsError `bad_params` with line and column.
 */
export function parseToml(text: string): PyMap {
  // Loaded here and only here: few projects keep their params in TOML.
  const { parse, TomlDate, TomlError } = createRequire(import.meta.url)('smol-toml') as typeof SmolToml;
  const convert = (value: unknown, depth = 0): PyValue => {
    if (depth > limits.depth) throw new RangeError('call stack');
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return new PyFloat(value);
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    if (value instanceof TomlDate) return new PyDate(value.toISOString());
    if (Array.isArray(value)) return value.map((item) => convert(item, depth + 1));
    return new Map(Object.entries(value as object).map(([key, item]) => [key, convert(item, depth + 1)]));
  };
  try {
    return convert(parse(text, { integersAsBigInt: true })) as PyMap;
  } catch (error) {
    if (isTooDeep(error))
      throw new MlopsError('bad_params', `more than ${limits.depth} levels of tables in each other`);
    if (!(error instanceof TomlError)) throw error;
    const [first = 'invalid TOML'] = error.message.split('\n');
    throw new MlopsError('bad_params', `${first}, line ${error.line}, column ${error.column}`, { cause: error });
  }
}
