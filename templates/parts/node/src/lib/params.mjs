// Reads params.yaml. The full YAML language needs a library, and this project has no dependencies, so this understands
// the part that parameters need: sections of `key: value`, where a value is a number or a plain text.
import { readFileSync } from 'node:fs';

const FILE = 'params.yaml';
const LINE = /^( *)([A-Za-z_]\w*):(?: +(.*))?$/;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/**
 * The parameters of one section of params.yaml. `rules` names each expected key and what its value must satisfy, so that
 * a missing, misspelt or impossible parameter stops the stage at once, with a sentence, and not after an hour with NaN.
 */
export function readParams(section, rules) {
  const values = parseParams(readFileSync(FILE, 'utf8'))[section];
  if (values === undefined) throw new Error(`${FILE}: there is no section "${section}"`);
  for (const key of Object.keys(values)) {
    if (!(key in rules)) throw new Error(`${FILE}: "${section}.${key}" is not a parameter of this project`);
  }
  for (const [key, rule] of Object.entries(rules)) {
    if (!(key in values)) throw new Error(`${FILE}: "${section}.${key}" is missing`);
    if (!rule.accepts(values[key])) {
      throw new Error(`${FILE}: "${section}.${key}" must be ${rule.text}, and is ${JSON.stringify(values[key])}`);
    }
  }
  return values;
}

export const text = { text: 'a text', accepts: (v) => String(v) !== '' };
export const count = { text: 'a whole number from 1', accepts: (v) => Number.isSafeInteger(v) && v >= 1 };
export const wholeNumber = { text: 'a whole number from 0', accepts: (v) => Number.isSafeInteger(v) && v >= 0 };
export const fraction = { text: 'between 0 and 1', accepts: (v) => v > 0 && v < 1 };
export const notNegative = { text: '0 or more', accepts: (v) => v >= 0 && v < Infinity };
export const positive = { text: 'above 0', accepts: (v) => v > 0 && v < Infinity };
export const oneOf = (...names) => ({ text: names.join(' or '), accepts: (v) => names.includes(v) });

/** Text of a params file to { section: { key: number or text } }. Throws an Error that names the line. */
export function parseParams(content) {
  const root = {};
  let section;
  for (const [index, raw] of content.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '').trimEnd();
    if (line === '') continue;
    const [, indent, key, value = ''] = LINE.exec(line) ?? [];
    const where = `${FILE}, line ${index + 1}`;
    if (key === undefined) throw new Error(`${where}: expected "key: value", found "${line.trim()}"`);
    if (indent === '' && value === '') {
      if (key in root) throw new Error(`${where}: "${key}" is there twice`);
      section = root[key] = {};
    } else {
      if (indent === '' || section === undefined) throw new Error(`${where}: "${key}" stands in no section`);
      if (key in section) throw new Error(`${where}: "${key}" is there twice`);
      section[key] = scalar(value);
    }
  }
  return root;
}

function scalar(value) {
  if (NUMBER.test(value)) return Number(value);
  const quoted = /^'(.*)'$|^"(.*)"$/.exec(value);
  return quoted ? (quoted[1] ?? quoted[2]) : value;
}
