import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError } from '../../base/index.ts';
import type { ModelVersion, Run } from '../../mlflow/index.ts';
import { drift } from '../monitor/drift.ts';
import type { DataPlaces } from '../monitor/data-source.ts';
import { findMonitorSettings } from '../monitor/settings.ts';
import type { GateResult } from './gate-result.ts';
import type { Gates, StageGates } from './gates-file.ts';

/** How far back the last window of the log reaches. */
const window = '7d';
const tableEndings = /\.(?:csv|tsv|jsonl|ndjson|json|parquet)(?:\.gz)?$/i;

/** Whether what the model is asked now is still like what it was trained on. */
export async function driftGate(
  { gates, places }: { readonly gates: Gates; readonly places: DataPlaces },
  version: ModelVersion,
  run: Run | undefined,
  limit: StageGates['drift'],
): Promise<GateResult[]> {
  if (limit === undefined) return [];
  const expected = `at most ${100 * limit.max_share} % of columns drifted in ${window}`;
  const result = (passed: boolean, found: string, more: Partial<GateResult> = {}): GateResult[] => [
    { gate: 'drift', name: 'training data', passed, expected, found, ...more },
  ];
  const reference = trainingData(gates.folder, run) ?? named(gates.folder, version.name);
  if (reference === undefined) {
    return result(
      false,
      'no training data are known: neither a table among the datasets of the run nor a reference in monitor.yaml',
    );
  }
  try {
    const current = `log:models:/${version.name}?since=${window}`;
    const report = await drift({ ...places, cwd: gates.folder }, { reference, current });
    const drifted = Object.entries(report.columns).filter(([, column]) => column.drifted);
    if (report.verdict === 'too_few') return result(true, 'too few predictions to judge', { skipped: true });
    const share = `${Number((100 * report.share_drifted).toPrecision(3))} %`;
    const names = drifted.length === 0 ? '' : `: ${drifted.map(([name]) => name).join(', ')}`;
    return result(report.share_drifted <= limit.max_share, share + names, {
      details: { reference, share_drifted: report.share_drifted, columns: drifted.map(([name]) => name) },
    });
  } catch (error) {
    // A window without rows has no columns.
    if (isMlopsError(error, 'usage')) return result(true, `no predictions in ${window}`, { skipped: true });
    throw error;
  }
}

/** A table among the datasets of the run: as it is here where it has not changed, else as Git and DVC have it. */
function trainingData(folder: string, run: Run | undefined): string | undefined {
  const commit = run?.tags.find(({ key }) => key === 'mlflow.source.git.commit')?.value;
  for (const { dataset } of run?.datasets ?? []) {
    const file = pathOf(dataset.source) ?? dataset.name;
    if (!tableEndings.test(file)) continue;
    const here = path.resolve(folder, file);
    const exists = fs.existsSync(here);
    const isTracked = dataset.sourceType === 'dvc' && commit !== undefined && commit !== '';
    if (isTracked && !(exists && md5Of(here) === dataset.digest)) return `${file}@${commit}`;
    if (exists) return file;
  }
  return undefined;
}

/** What monitor.yaml says that the inputs of the model should look like. */
function named(folder: string, model: string): string | undefined {
  const found = findMonitorSettings([folder]);
  return found?.settings.models.get(model)?.reference;
}

function md5Of(file: string): string {
  return createHash('md5').update(fs.readFileSync(file)).digest('hex');
}

function pathOf(source: string): string | undefined {
  try {
    const { path: file, uri } = JSON.parse(source) as { path?: unknown; uri?: unknown };
    if (typeof file === 'string') return file;
    return typeof uri === 'string' ? uri.replace(/^file:\/\//, '') : undefined;
  } catch {
    return undefined;
  }
}
