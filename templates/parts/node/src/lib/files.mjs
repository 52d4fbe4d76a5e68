// Small files as the stages hand them on.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file and makes its folder: a stage finds its outputs, and folders left empty by that, removed. */
export function writeFile(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

export function writeJson(path, value) {
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Six decimals say all there is to say about a few hundred rows, and keep Git's diffs readable. */
export function round(value) {
  return Number(value.toFixed(6));
}
