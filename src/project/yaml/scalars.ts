import { limits } from './limits.ts';
import { PyDate, PyFloat, type PyValue } from '../../base/index.ts';

/**
 * What a plain (unquoted) scalar means to ruamel.yaml, which follows YAML 1.2 with extras of its own:
 * `017` is 17, `1_000` is 1000, `0b11` is 3, `12e03` is a float, `yes` is a string.
 */
export function resolvePlain(text: string): PyValue {
  switch (plainKind(text)) {
    case 'str':
      return text;
    case 'null':
      return null;
    case 'bool':
      return text.length === 4;
    case 'int':
      return intOf(text);
    case 'float':
      return new PyFloat(floatOf(text));
    case 'timestamp':
      return new PyDate(text);
  }
}

/** More digits than Python reads as an integer; reading and writing them takes longer than their number. */
export function isLongInteger(text: string): boolean {
  return text.length > limits.digits && plainKind(text) === 'int' && text.replace(/[_+-]/g, '').length > limits.digits;
}

export type PlainKind = 'str' | 'null' | 'bool' | 'int' | 'float' | 'timestamp';

/** The type of a plain scalar; the writer quotes a string whose kind is not `str`. */
export function plainKind(text: string): PlainKind {
  const first = text.charCodeAt(0);
  // Only these first characters can start something else than a string.
  if (text === '') return 'null';
  if (first === 0x2b || first === 0x2d || first === 0x2e || (first >= 0x30 && first <= 0x39)) return numberKind(text);
  if (text.length > 5) return 'str';
  if (boolPattern.test(text)) return 'bool';
  return nullPattern.test(text) ? 'null' : 'str';
}

const boolPattern = /^(?:true|True|TRUE|false|False|FALSE)$/;
const nullPattern = /^(?:~|null|Null|NULL)$/;
const floatPattern =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const intPattern = /^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+)$/;
const timestampPattern =
  /^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$/;

function numberKind(text: string): PlainKind {
  if (floatPattern.test(text)) return 'float';
  if (intPattern.test(text)) return 'int';
  return timestampPattern.test(text) ? 'timestamp' : 'str';
}

function intOf(text: string): number | bigint {
  const digits = text.replace(/[_+]/g, '').replace(/^-/, '');
  const base = /^0[box]/.test(digits) ? digits : digits.replace(/^0+(?=\d)/, '');
  const size = BigInt(base);
  const value = text.startsWith('-') ? -size : size;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function floatOf(text: string): number {
  const plain = text.replace(/_/g, '').toLowerCase();
  if (plain.endsWith('.nan')) return Number.NaN;
  if (plain.endsWith('.inf')) return plain.startsWith('-') ? -Infinity : Infinity;
  return Number(plain);
}
