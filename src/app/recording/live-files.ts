import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError } from '../../base/index.ts';
import type { StageOut } from '../../repo/pipeline/recorder.ts';

/** A file whose numbers become metrics while a stage runs. */
export interface LiveFile {
  readonly path: string;
  readonly kind: 'lines' | 'table' | 'values';
  /** The metric of a table that holds one, as DVCLive writes them; otherwise columns name themselves. */
  readonly key?: string;
  /** Set for the `metrics.json` of DVCLive, whose numbers are also in its tables. */
  readonly summary?: boolean;
}

/** More files than this in one folder are no metrics. */
const mostFiles = 500;
const deepest = 6;

/**
 * The files with numbers among what a stage makes, as far as they exist: JSON lines anywhere, tables and values
 * among its metrics and plots, and all that DVCLive writes in a folder that is, holds or contains an out.
 */
export function liveFiles(outs: readonly StageOut[], folders: readonly string[]): LiveFile[] {
  const found = new Map<string, LiveFile>();
  const put = (file: LiveFile): void => void (found.has(file.path) || found.set(file.path, file));
  const roots = new Set(folders.filter(isDirectory));
  for (const out of outs) {
    const directory = isDirectory(out.path);
    for (const root of dvcliveRoots(out.path, directory)) roots.add(root);
  }
  for (const root of roots) for (const file of dvcliveFiles(root)) put(file);
  for (const out of outs) {
    for (const file of isDirectory(out.path) ? filesBelow(out.path) : [out.path]) {
      const kind = kindOf(file, out.report);
      if (kind !== undefined) put({ path: file, kind });
    }
  }
  return [...found.values()];
}

function kindOf(file: string, report: boolean): LiveFile['kind'] | undefined {
  if (/\.(jsonl|ndjson)$/i.test(file)) return 'lines';
  if (!report) return undefined;
  if (/\.(tsv|csv)$/i.test(file)) return 'table';
  return /\.(json|ya?ml|toml)$/i.test(file) ? 'values' : undefined;
}

/** The DVCLive folder that an out is, lies in, or contains the tables of. */
function dvcliveRoots(out: string, directory: boolean): string[] {
  const candidates = directory
    ? [out, path.dirname(out), path.dirname(path.dirname(out))]
    : path.basename(out) === 'metrics.json'
      ? [path.dirname(out)]
      : [];
  return candidates.filter((root) => {
    const tables = path.join(root, 'plots/metrics');
    const related = root === out || `${tables}/`.startsWith(`${out}/`) || !directory;
    return related && isDirectory(tables);
  });
}

/** `plots/metrics/train/loss.tsv` holds the metric `train/loss`. */
function dvcliveFiles(root: string): LiveFile[] {
  const tables = path.join(root, 'plots/metrics');
  const files = filesBelow(tables)
    .filter((file) => file.endsWith('.tsv'))
    .map((file): LiveFile => ({ path: file, kind: 'table', key: path.relative(tables, file).slice(0, -4) }));
  return [...files, { path: path.join(root, 'metrics.json'), kind: 'values', summary: true }];
}

function filesBelow(folder: string): string[] {
  const files: string[] = [];
  const visit = (directory: string, depth: number): void => {
    for (const entry of entriesOf(directory)) {
      if (files.length >= mostFiles) return;
      const at = path.join(directory, entry.name);
      if (entry.isFile()) files.push(at);
      else if (entry.isDirectory() && depth < deepest) visit(at, depth + 1);
    }
  };
  visit(folder, 0);
  return files;
}

function entriesOf(directory: string): fs.Dirent[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

function isDirectory(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
