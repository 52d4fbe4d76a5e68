import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError } from '../../base/index.ts';
import type { ModelVersion, Run } from '../../mlflow/index.ts';
import { drift } from '../monitor/drift.ts';
import { openData, type DataPlaces, type DataSource } from '../monitor/data-source.ts';
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
  const here = { ...places, cwd: gates.folder };
  const training = await trainingData(here, version, run);
  const reference = training.name ?? named(gates.folder, version.name);
  if (reference === undefined) {
    return result(false, `no training data are known: ${training.problem}; monitor.yaml has no reference`);
  }
  try {
    const current = `log:models:/${version.name}?since=${window}`;
    const report = await drift(here, { reference: training.opened ?? reference, current });
    const drifted = Object.entries(report.columns).filter(([, column]) => column.drifted);
    if (report.verdict === 'too_few') return result(true, 'too few predictions to judge', { skipped: true });
    const share = `${Number((100 * report.share_drifted).toPrecision(3))} %`;
    const names = drifted.length === 0 ? '' : `: ${drifted.map(([name]) => name).join(', ')}`;
    return result(report.share_drifted <= limit.max_share, share + names, {
      details: { reference, share_drifted: report.share_drifted, columns: drifted.map(([name]) => name) },
    });
  } catch (error) {
    // Tables that have nothing in common cannot be compared, which fails the gate; gates.yaml is as it should be.
    if (isMlopsError(error, 'usage')) return result(false, error.message);
    throw error;
  } finally {
    training.opened?.close();
  }
}

interface TrainingTable {
  readonly name: string | undefined;
  readonly opened?: DataSource;
  readonly problem: string;
}

/**
 * The table that the version was trained on: by its content, through the lineage of its run; else a table among the
 * datasets of the run that is still where it was, where it is the only one, or the only one called after training.
 */
async function trainingData(places: DataPlaces, version: ModelVersion, run: Run | undefined): Promise<TrainingTable> {
  const name = `models:/${version.name}/${version.version}`;
  try {
    return { name, opened: await openData(name, places), problem: '' };
  } catch (error) {
    if (!isMlopsError(error, 'usage')) throw error;
    const files = (run?.datasets ?? [])
      .map(({ dataset }) => pathOf(dataset.source) ?? dataset.name)
      .filter((file) => tableEndings.test(file) && fs.existsSync(path.resolve(places.cwd, file)));
    const called = files.filter((file) => /train/i.test(path.basename(file)));
    const [only] = [files, called].find((list) => list.length === 1) ?? [];
    return { name: only, problem: [error.message, error.hint].filter((part) => part !== undefined).join('; ') };
  }
}

/** What monitor.yaml says that the inputs of the model should look like. */
function named(folder: string, model: string): string | undefined {
  const found = findMonitorSettings([folder]);
  return found?.settings.models.get(model)?.reference;
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
