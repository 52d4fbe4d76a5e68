import * as fs from 'node:fs';
import * as path from 'node:path';

import { didYouMean, isMlopsError, isSystemError, parseNumber } from '../../base/index.ts';
import type { Metric } from '../../mlflow/index.ts';
import { flattenParams, parseDataFile, parsePythonJson } from '../../project/index.ts';
import { metricsOf } from '../recording/report-metrics.ts';
import { nameOf, type MetricSource } from './settings.ts';

/** A number of a trial, or why there is none. */
export type Reading = { readonly value: number } | { readonly problem: string };

/** The numbers that a trial printed or logged, the last of each name. */
export class Heard {
  readonly printed = new Map<string, number>();
  readonly logged = new Map<string, number>();

  /** @param root where the trial ran. */
  read(source: MetricSource, root: string): Reading {
    const seen = source.kind === 'file' ? fileNumbers(root, source.file) : this.#seen(source.kind);
    if (typeof seen === 'string') return { problem: seen };
    const only = source.key === '' && seen.size === 1 ? [...seen.values()][0] : undefined;
    const value = seen.get(source.key) ?? only;
    if (value === undefined) return { problem: absent(source, seen) };
    if (Number.isNaN(value)) return { problem: `metric '${nameOf(source)}' is NaN` };
    return { value };
  }

  #seen(kind: 'tracking' | 'stdout'): ReadonlyMap<string, number> {
    return kind === 'tracking' ? this.logged : this.printed;
  }

  /** Takes a line of output. @returns what it tells. */
  line(text: string): readonly (readonly [key: string, value: number])[] {
    const told = lineNumbers(text);
    for (const [key, value] of told) this.printed.set(key, value);
    return told;
  }

  metric({ key, value }: Metric): void {
    this.logged.set(key, value);
  }
}

function absent(source: MetricSource, seen: ReadonlyMap<string, number>): string {
  const place =
    source.kind === 'file' ? `'${source.file}'` : source.kind === 'tracking' ? 'what was logged' : 'the output';
  const known = [...seen.keys()];
  const guess = didYouMean(source.key, known);
  const rest = known.length === 0 ? 'there are no numbers in it' : `it has ${known.slice(0, 12).join(', ')}`;
  const what = source.key === '' ? 'one number alone' : `metric '${source.key}'`;
  return `${what} is not in ${place}: ${rest}${guess === undefined ? '' : ` (${guess})`}`;
}

/** All numbers of a metrics file by dotted key: JSON, YAML, TOML; the last line of JSON lines; the last row of a table. */
export function fileNumbers(root: string, file: string): ReadonlyMap<string, number> | string {
  let text: string;
  try {
    text = fs.readFileSync(path.join(root, file), 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return `the trial did not write '${file}'`;
    if (isSystemError(error)) return `'${file}' cannot be read: ${error.message}`;
    throw error;
  }
  try {
    return numbersIn(text, file);
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    return `'${file}' cannot be read: ${error.message}`;
  }
}

function numbersIn(text: string, file: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (/\.(jsonl|ndjson)$/i.test(file)) {
    const all = lines.flatMap((line) => [...numbersOf(parsePythonJson(line))]);
    return new Map(all);
  }
  if (/\.(csv|tsv)$/i.test(file)) {
    const separator = /\.tsv$/i.test(file) ? '\t' : ',';
    const [header = [], ...rows] = lines.map((line) => line.trim().split(separator));
    const last = rows.at(-1) ?? [];
    return new Map(header.flatMap((name, i) => (last[i] === undefined ? [] : [[name.trim(), Number(last[i])]])));
  }
  if (/\.(json|ya?ml|toml)$/i.test(file)) return numbersOf(parseDataFile(text, file));
  const alone = parseNumber(text);
  return alone === undefined ? new Map(lines.flatMap(lineNumbers)) : new Map([['', alone]]);
}

function numbersOf(data: ReturnType<typeof parseDataFile>): Map<string, number> {
  // Keys as they are written: MLflow's rules for names are not those of files.
  const flat = data instanceof Map ? flattenParams(data) : new Map([['', data]]);
  const found = new Map<string, number>();
  for (const [key, value] of flat) {
    for (const point of metricsOf(value, 'x')) found.set(`${key}${point.key.slice(1)}`, point.value);
  }
  return found;
}

/** `loss=0.3 acc: 0.9`, or a line that is JSON. */
function lineNumbers(line: string): [string, number][] {
  const text = line.trim();
  if (text.startsWith('{') && text.endsWith('}')) {
    try {
      return [...numbersOf(parsePythonJson(text))];
    } catch (error) {
      if (!isMlopsError(error)) throw error;
    }
  }
  const words = text.split(/[\s,;]+/);
  const found: [string, number][] = [];
  for (const [i, word] of words.entries()) {
    const equals = word.search(/[=:]/);
    if (equals <= 0) continue;
    const after = word.slice(equals + 1);
    const value = parseNumber(after === '' ? (words[i + 1] ?? '') : after);
    if (value !== undefined) found.push([word.slice(0, equals), value]);
  }
  // `key = 1`: the sign stands alone.
  for (let i = 0; i + 2 < words.length; i++) {
    const value = words[i + 1] === '=' ? parseNumber(words[i + 2] ?? '') : undefined;
    if (value !== undefined) found.push([words[i] as string, value]);
  }
  return found;
}
