import * as fs from 'node:fs';

import { didYouMean, isSystemError, MlopsError, writeFileAtomic } from '../../base/index.ts';
import { parseSpec, rowOf, type FullTrial, type TrialStore } from '../../tune/index.ts';
import { studyNamed } from './open-tune.ts';
import { readDatabase, writeDatabase } from './optuna-database.ts';
import { readJournal, writeJournal } from './optuna-journal.ts';
import { fromOptuna, toOptuna, type OptunaStudy } from './optuna-study.ts';
import { trialsOf } from './read-studies.ts';

export interface Imported {
  readonly study: string;
  readonly trials: number;
}

/**
 * Takes a study out of a file of Optuna's (SQLite or journal). It goes on with `tune run --study NAME` and the same
 * space; its trials are known to the sampler.
 *
 * @param wanted the study in the file, where it has several. @param name what it is called here.
 * @throws MlopsError `invalid_value`, `bad_json` with the damaged line, `resource_exists`.
 */
export async function importStudy(
  studies: TrialStore,
  file: string,
  options: { readonly wanted?: string | undefined; readonly name?: string | undefined },
): Promise<Imported> {
  const found = readOptuna(file);
  const study = chosen(found, options.wanted, file);
  const name = options.name ?? study.name;
  const { spec, trials } = fromOptuna(study);
  await studies.createStudy({
    ...{ name, spec: JSON.stringify(spec), state: 'STOPPED', reason: `imported from ${file}`, owner: '', beat: 0 },
    ...{ runId: '', createdAt: Date.now() },
  });
  await studies.putTrials(
    name,
    trials.map((trial) => rowOf(trial, spec.directions)),
  );
  return { study: name, trials: trials.length };
}

function readOptuna(file: string): readonly OptunaStudy[] {
  let isDatabase: boolean;
  try {
    isDatabase = headOf(file, 15) === 'SQLite format 3';
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EISDIR')) throw error;
    throw new MlopsError('usage', `there is no file '${file}'`);
  }
  return isDatabase ? readDatabase(file) : readJournal(fs.readFileSync(file, 'utf8'), file);
}

function headOf(file: string, length: number): string {
  const head = Buffer.alloc(length);
  const handle = fs.openSync(file, 'r');
  try {
    return head.toString('latin1', 0, fs.readSync(handle, head));
  } finally {
    fs.closeSync(handle);
  }
}

function chosen(found: readonly OptunaStudy[], wanted: string | undefined, file: string): OptunaStudy {
  const names = found.map(({ name }) => name);
  if (wanted !== undefined) {
    const study = found.find(({ name }) => name === wanted);
    if (study !== undefined) return study;
    throw new MlopsError('resource_missing', `'${file}' has no study '${wanted}'`, { hint: didYouMean(wanted, names) });
  }
  const [only] = found;
  if (only === undefined) throw new MlopsError('invalid_value', `'${file}' has no study`);
  if (found.length === 1) return only;
  throw new MlopsError('usage', `'${file}' has several studies: ${names.join(', ')}`, {
    hint: 'name one with --study',
  });
}

export type ExportFormat = 'json' | 'journal' | 'sqlite';

/** Writes a study to a file: all of it as JSON, or as Optuna opens it. @returns how many trials it has. */
export async function exportStudy(
  studies: TrialStore,
  name: string | undefined,
  file: string,
  format: ExportFormat,
  onDamaged?: (problem: Error) => void,
): Promise<Imported> {
  const row = await studyNamed(studies, name);
  const spec = parseSpec(row.spec, row.name);
  const trials: readonly FullTrial[] = await trialsOf(studies, row.name, onDamaged);
  if (format === 'sqlite') writeDatabase(file, toOptuna(row.name, spec, trials));
  else if (format === 'journal') writeFileAtomic(file, writeJournal(toOptuna(row.name, spec, trials)));
  else {
    const rows = trials.map((trial) => {
      const { body, ...rest } = rowOf(trial, spec.directions);
      return { ...rest, ...(JSON.parse(body) as Record<string, unknown>) };
    });
    writeFileAtomic(file, `${JSON.stringify({ study: row.name, spec, trials: rows }, undefined, 1)}\n`);
  }
  return { study: row.name, trials: trials.length };
}
