// Reads params.yaml. The full YAML language needs a library, and this project has no dependencies, so this understands
// the part that parameters need: nested `key: number`. Whatever else it meets is an error, never a guess.
import { readFileSync } from 'node:fs';

const FILE = 'params.yaml';
const LINE = /^( *)([A-Za-z_][\w-]*):(?:[ ]+(.*))?$/;
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;

/**
 * The numbers of one section of params.yaml.
 * `rules` names each expected key and what its value must satisfy, so that a missing, misspelt or impossible parameter
 * stops the stage at once, with a sentence, and not after an hour with NaN.
 */
export function readParams(section, rules) {
  const values = parseParams(readFileSync(FILE, 'utf8'))[section];
  if (values === undefined || typeof values === 'number') {
    throw new Error(`${FILE}: there is no section "${section}"`);
  }
  for (const key of Object.keys(values)) {
    if (!(key in rules)) throw new Error(`${FILE}: "${section}.${key}" is not a parameter of this stage`);
  }
  for (const [key, rule] of Object.entries(rules)) {
    if (!(key in values)) throw new Error(`${FILE}: "${section}.${key}" is missing`);
    if (!rule.accepts(values[key])) {
      throw new Error(`${FILE}: "${section}.${key}" must be ${rule.text}, and is ${JSON.stringify(values[key])}`);
    }
  }
  return values;
}

export const count = { text: 'a whole number from 1', accepts: (v) => Number.isSafeInteger(v) && v >= 1 };
export const wholeNumber = { text: 'a whole number from 0', accepts: (v) => Number.isSafeInteger(v) && v >= 0 };
export const fraction = { text: 'between 0 and 1', accepts: (v) => v > 0 && v < 1 };
export const positive = { text: 'above 0', accepts: (v) => v > 0 && v < Infinity };

/** Text of a params file to nested objects of numbers. Throws an Error that names the line. */
export function parseParams(text) {
  const root = {};
  // The sections that are open at the current line, outermost first. `indent` is null until the first key tells it.
  const open = [{ indent: 0, values: root }];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '').trimEnd();
    if (line !== '') readLine(line, open, `${FILE}, line ${index + 1}`);
  }
  return root;
}

function readLine(line, open, where) {
  const match = LINE.exec(line);
  if (!match) throw new Error(`${where}: expected "key: number" or "section:", found "${line.trim()}"`);
  const [, { length: indent }, key, value = ''] = match;

  if (open.at(-1).indent === null && indent > open.at(-2).indent) open.at(-1).indent = indent;
  while (open.length > 1 && (open.at(-1).indent === null || open.at(-1).indent > indent)) open.pop();
  const { indent: expected, values } = open.at(-1);
  if (indent !== expected) throw new Error(`${where}: "${key}" stands at column ${indent + 1}, not ${expected + 1}`);
  if (Object.hasOwn(values, key)) throw new Error(`${where}: "${key}" is there twice`);

  if (value === '') {
    values[key] = {};
    open.push({ indent: null, values: values[key] });
  } else if (NUMBER.test(value)) {
    values[key] = Number(value);
  } else {
    throw new Error(`${where}: the value of "${key}" must be a number, and is "${value}"`);
  }
}
