// The digits as the stages hand them on: one a line, 64 pixels and the label, as in the original file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';

export const PIXELS = 64; // 8 rows of 8
export const DARKEST = 16; // a pixel is a whole number from 0 (white) to 16 (black)
export const CLASSES = 10;

/** Reads a .csv or .csv.gz file to a list of { pixels: 64 numbers, label: 0 to 9 }. */
export function readDigits(path) {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line, index) => parseDigit(line, `${path}, line ${index + 1}`));
}

export function writeDigits(path, digits) {
  writeText(path, digits.map(({ pixels, label }) => [...pixels, label].join(',') + '\n').join(''));
}

/** Writes a file and makes its folder: a stage finds its outputs, and folders left empty by that, removed. */
export function writeText(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function parseDigit(line, where) {
  const numbers = line.split(',').map((field) => (field.trim() === '' ? NaN : Number(field)));
  if (numbers.length !== PIXELS + 1) {
    throw new Error(`${where}: ${numbers.length} numbers, expected ${PIXELS} pixels and a label`);
  }
  const label = numbers.pop();
  const bad = numbers.findIndex((pixel) => !isWholeNumberBelow(pixel, DARKEST + 1));
  if (bad >= 0) throw new Error(`${where}: pixel ${bad + 1} is not a whole number from 0 to ${DARKEST}`);
  if (!isWholeNumberBelow(label, CLASSES)) throw new Error(`${where}: the label is not a digit`);
  return { pixels: numbers, label };
}

function isWholeNumberBelow(value, limit) {
  return Number.isInteger(value) && value >= 0 && value < limit;
}
