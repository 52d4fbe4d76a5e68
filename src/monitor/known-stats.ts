import * as fs from 'node:fs';
import * as path from 'node:path';

import { writeFileAtomic } from '../base/index.ts';
import { segmentFiles } from './prediction-log.ts';
import type { ModelStats, StatsOptions } from './stats.ts';

/** A log of fewer bytes is read sooner than asked about. */
const smallest = 16 * 1024 * 1024;
const fileName = '.statistics.json';
const format = 1;

/**
 * Statistics of a large log that has not changed since they were computed are taken from beside it. What is missing,
 * damaged, or of other segments is computed again.
 */
export async function knownStats(
  directory: string,
  options: StatsOptions,
  compute: () => Promise<ModelStats[]>,
): Promise<ModelStats[]> {
  const facts = segmentFiles(directory).map((segment) => {
    const { size, mtimeMs } = fs.statSync(segment);
    return [path.basename(segment), size, mtimeMs] as const;
  });
  if (facts.reduce((sum, [, size]) => sum + size, 0) < smallest) return compute();
  const key = JSON.stringify([format, facts, options]);
  const file = path.join(directory, fileName);
  const known = readKnown(file, key);
  if (known !== undefined) return known;
  const models = await compute();
  try {
    writeFileAtomic(file, JSON.stringify({ key, models }), { mode: 0o600 });
  } catch {
    // A log that can only be read is read again.
  }
  return models;
}

function readKnown(file: string, key: string): ModelStats[] | undefined {
  try {
    const known = JSON.parse(fs.readFileSync(file, 'utf8')) as { key?: unknown; models?: unknown };
    return known.key === key && Array.isArray(known.models) ? (known.models as ModelStats[]) : undefined;
  } catch {
    return undefined;
  }
}
