import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, isSystemError, type PyMap, type PyValue } from '../../base/index.ts';
import type { Metric, Param } from '../../mlflow/index.ts';
import { splitRows } from '../../plots/index.ts';
import { parseDataFile, pythonStr } from '../../project/index.ts';
import type { Lineage } from '../../repo/pipeline/recorder.ts';
import type { ArtifactStore, Batch, TrackingStore } from '../../tracking/index.ts';
import { allowedKey, cleanKey, historyOf, isHistory, metricsOf, type MetricPoint } from './report-metrics.ts';

export interface SnapshotLineage extends Lineage {
  /** A dep that no stage makes: data and code that came from outside the pipeline. */
  readonly external: boolean;
  readonly stage: string;
}

/** A stage by what it is told. */
export interface SnapshotStage {
  readonly address: string;
  readonly cmd: string | readonly string[];
  /** Params file to key to value, as in dvc.lock. */
  readonly params: ReadonlyMap<string, PyMap>;
}

/** The pipeline at the end of a repro. */
export interface Snapshot {
  /** Absolute path of the project. */
  readonly root: string;
  /** Params file to key to value, of all stages. */
  readonly params: ReadonlyMap<string, PyMap>;
  /** Paths relative to the root. */
  readonly metricFiles: readonly string[];
  readonly plotFiles: readonly string[];
  readonly paramFiles: readonly string[];
  readonly lineage: readonly SnapshotLineage[];
  readonly stages: readonly SnapshotStage[];
}

/**
 * Params as MLflow keeps them, text by key: nested mappings flattened with `.`, values as Python's `str`.
 * Keys of the default file stand alone, those of others after the file's name.
 */
export function paramsOf(params: ReadonlyMap<string, PyMap>): Param[] {
  const found = new Map<string, string>();
  for (const [file, values] of params) {
    const prefix = path.posix.basename(file) === 'params.yaml' ? '' : `${file.replace(/[^/\w.-]/g, '_')}.`;
    for (const [key, value] of values) flatten(`${prefix}${String(key)}`, value, found);
  }
  return [...found].map(([key, value]) => ({
    key: allowedKey(key).slice(0, 250),
    value: value.slice(0, 6000),
  }));
}

function flatten(key: string, value: PyValue, found: Map<string, string>): void {
  if (value instanceof Map && value.size > 0)
    for (const [name, item] of value) flatten(`${key}.${String(name)}`, item, found);
  else found.set(key, pythonStr(value));
}

/**
 * Metrics of all metric files, and the history in tables by step among the plots. Where a column of a table
 * has the name of a metric, it is recorded after its stage (`train.loss`), so that a metric's latest value is
 * the one of its metric file. Unreadable files count as empty.
 */
export function snapshotMetrics(snapshot: Snapshot, timestamp: number): Metric[] {
  const metrics = snapshot.metricFiles.flatMap((file) => pointsOf(snapshot, file));
  const taken = new Set(metrics.map((point) => point.key));
  const histories = snapshot.plotFiles.flatMap((file) => {
    const stage = snapshot.lineage.find((entry) => entry.path === file)?.stage ?? 'plot';
    return pointsOf(snapshot, file).map((point) =>
      taken.has(point.key) ? { ...point, key: cleanKey(`${stage}.${point.key}`) } : point,
    );
  });
  return [...metrics, ...histories].map((point) => ({ ...point, timestamp }));
}

function pointsOf(snapshot: Snapshot, file: string): MetricPoint[] {
  const text = readSmall(path.join(snapshot.root, file), 16 * 1024 * 1024)?.toString('utf8');
  if (text === undefined) return [];
  if (/\.(csv|tsv)$/i.test(file)) return tableHistory(text, /\.tsv$/i.test(file) ? '\t' : ',');
  if (!snapshot.metricFiles.includes(file)) return [];
  try {
    return metricsOf(parseDataFile(text, file));
  } catch (error) {
    // A metrics file that cannot be parsed is `mlops metrics show`'s to report; the run keeps its other numbers.
    if (!isMlopsError(error)) throw error;
    return [];
  }
}

/** As `plots show` reads it, quotes included. */
function tableHistory(text: string, separator: ',' | '\t'): MetricPoint[] {
  const [header = [], ...rows] = splitRows(text, separator).filter((row) => row.length > 0);
  return isHistory(header) ? historyOf(header, rows) : [];
}

/** Copies metrics, plots and params into the run, and writes what everything was made of to `lineage.json`. */
export async function saveReports(artifacts: ArtifactStore, snapshot: Snapshot, maxFileSize: number): Promise<void> {
  const put = async (folder: string, file: string): Promise<void> => {
    const content = readSmall(path.join(snapshot.root, file), maxFileSize);
    const inside = file.startsWith(`${folder}/`) ? file : path.posix.join(folder, file);
    if (content !== undefined) await artifacts.put(inside, content);
  };
  for (const file of snapshot.metricFiles) await put('metrics', file);
  for (const file of snapshot.plotFiles) await put('plots', file);
  for (const file of snapshot.paramFiles) await put('params', file);
  const lineage = snapshot.lineage.map(({ stage, role, path: file, md5, size }) => ({
    stage,
    role,
    path: file,
    md5,
    size,
  }));
  await artifacts.put('lineage.json', Buffer.from(`${JSON.stringify(lineage, undefined, 1)}\n`));
}

function readSmall(file: string, limit: number): Buffer | undefined {
  try {
    const stat = fs.statSync(file);
    return stat.isFile() && stat.size <= limit ? fs.readFileSync(file) : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** MLflow's bounds on one batch: 1000 metrics, 100 params, 100 tags. */
export async function logInBatches(store: TrackingStore, runId: string, batch: Batch): Promise<void> {
  const { metrics = [], params = [], tags = [] } = batch;
  const rounds = Math.max(
    Math.ceil(metrics.length / 800),
    Math.ceil(params.length / 100),
    Math.ceil(tags.length / 100),
  );
  for (let i = 0; i < rounds; i++) {
    await store.logBatch(runId, {
      metrics: metrics.slice(i * 800, (i + 1) * 800),
      params: params.slice(i * 100, (i + 1) * 100),
      tags: tags.slice(i * 100, (i + 1) * 100),
    });
  }
}
