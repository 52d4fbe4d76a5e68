import { MlopsError, PyFloat, scanJson, type JsonParts, type PyValue } from '../../base/index.ts';
import { limits } from '../yaml/limits.ts';

/**
 * Reads JSON as Python's `json.loads` does: ints of any size stay ints, `1.0` and `1e3` are floats, `NaN`
 * and `Infinity` are known, the last of two equal keys wins.
 *
 * @throws MlopsError `bad_json` with line and column.
 */
export function parsePythonJson(text: string): PyValue {
  return scanJson(text, parts);
}

const parts: JsonParts<PyValue> = {
  maxDepth: limits.depth,
  words: new Map<string, PyValue>([
    ['null', null],
    ['true', true],
    ['false', false],
    ['NaN', new PyFloat(Number.NaN)],
    ['Infinity', new PyFloat(Number.POSITIVE_INFINITY)],
    ['-Infinity', new PyFloat(Number.NEGATIVE_INFINITY)],
  ]),
  number(digits, whole) {
    const value = Number(digits);
    if (!whole) return new PyFloat(value);
    if (digits.length > limits.digits) return { fault: `an integer of more than ${limits.digits} digits` };
    if (!Number.isSafeInteger(value)) return BigInt(digits);
    // -0 is no integer of Python.
    return value === 0 ? 0 : value;
  },
  text: (text) => text,
  list: (items) => items,
  object: (entries) => new Map(entries),
  error: (what, line, column) => new MlopsError('bad_json', `${what}, line ${line}, column ${column}`),
};
