import { createRequire } from 'node:module';
import type * as SmolToml from 'smol-toml';

import { MlopsError, PyDate, PyFloat, type PyMap, type PyValue } from '../../base/index.ts';

/**
 * Reads TOML 1.0 into Python's types: ints and floats apart, dates as `PyDate`.
 *
 * @throws MlopsError `bad_params` with line and column.
 */
export function parseToml(text: string): PyMap {
  // Loaded here and only here: few projects keep their params in TOML.
  const { parse, TomlDate, TomlError } = createRequire(import.meta.url)('smol-toml') as typeof SmolToml;
  const convert = (value: unknown): PyValue => {
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return new PyFloat(value);
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    if (value instanceof TomlDate) return new PyDate(value.toISOString());
    if (Array.isArray(value)) return value.map(convert);
    return new Map(Object.entries(value as object).map(([key, item]) => [key, convert(item)]));
  };
  try {
    return convert(parse(text, { integersAsBigInt: true })) as PyMap;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = 'invalid TOML'] = error.message.split('\n');
    throw new MlopsError('bad_params', `${first}, line ${error.line}, column ${error.column}`, { cause: error });
  }
}
