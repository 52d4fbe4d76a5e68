import { isMlopsError, MlopsError, toPlain } from '../../base/index.ts';
import { parsePythonJson } from '../../project/index.ts';
import type { OptunaStudy, OptunaTrial } from './optuna-study.ts';

/** What the operations of Optuna's journal are called, by their number (`optuna.storages.journal._storage.JournalOperation`). */
const operations = [
  'create study',
  'delete study',
  'study user',
  'study system',
  'create trial',
  'param',
  'state',
  'intermediate',
  'user',
  'system',
] as const;

type Entry = Readonly<Record<string, unknown>> & { readonly op_code: number };

interface Growing {
  name: string;
  deleted: boolean;
  directions: readonly number[];
  readonly trials: GrowingTrial[];
}

type GrowingTrial = { -readonly [Key in keyof OptunaTrial]: OptunaTrial[Key] } & {
  readonly params: Map<string, { value: number; distribution: string }>;
  readonly intermediate: Map<number, number>;
  readonly userAttributes: Record<string, unknown>;
  readonly systemAttributes: Record<string, unknown>;
};

/**
 * The studies of a journal of Optuna's: JSON lines, an operation each. A last line without its end is one that is being
 * written, and left out.
 *
 * @throws MlopsError `bad_json` for a damaged line, with its number.
 */
export function readJournal(text: string, file: string): readonly OptunaStudy[] {
  const lines = text.split('\n');
  const studies: Growing[] = [];
  const trials: GrowingTrial[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    let entry: Entry;
    try {
      entry = toPlain(parsePythonJson(line)) as Entry;
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      if (i === lines.length - 1) break;
      throw new MlopsError('bad_json', `'${file}' is damaged in line ${i + 1}: ${error.message}`, {
        hint: 'take that line out of a copy of the file, and import the copy',
        data: { line: i + 1 },
      });
    }
    try {
      apply(entry, studies, trials);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new MlopsError('bad_json', `'${file}' is damaged in line ${i + 1}: it names what is not there`, {
        data: { line: i + 1 },
      });
    }
  }
  return studies.filter(({ deleted }) => !deleted);
}

function apply(entry: Entry, studies: Growing[], trials: GrowingTrial[]): void {
  const operation = operations[entry.op_code];
  const trial = trials[Number(entry['trial_id'])] as GrowingTrial;
  switch (operation) {
    case 'create study':
      studies.push({
        name: String(entry['study_name']),
        deleted: false,
        directions: entry['directions'] as number[],
        trials: [],
      });
      return;
    case 'delete study':
      (studies[Number(entry['study_id'])] as Growing).deleted = true;
      return;
    case 'create trial': {
      const own = (studies[Number(entry['study_id'])] as Growing).trials;
      const made = newTrial(entry, own.length);
      own.push(made);
      trials.push(made);
      return;
    }
    case 'param':
      trial.params.set(String(entry['param_name']), {
        value: Number(entry['param_value_internal']),
        distribution: String(entry['distribution']),
      });
      return;
    case 'state':
      trial.state = Number(entry['state']);
      if (Array.isArray(entry['values'])) trial.values = entry['values'].map(Number);
      trial.startedAt = timeOf(entry['datetime_start']) ?? trial.startedAt;
      trial.endedAt = timeOf(entry['datetime_complete']) ?? trial.endedAt;
      return;
    case 'intermediate':
      trial.intermediate.set(Number(entry['step']), Number(entry['intermediate_value']));
      return;
    case 'user':
      Object.assign(trial.userAttributes, entry['user_attr']);
      return;
    case 'system':
      Object.assign(trial.systemAttributes, entry['system_attr']);
      return;
    default:
  }
}

function newTrial(entry: Entry, number: number): GrowingTrial {
  const params = (entry['params'] ?? {}) as Readonly<Record<string, number>>;
  const distributions = (entry['distributions'] ?? {}) as Readonly<Record<string, string>>;
  const values = (entry['values'] ?? (typeof entry['value'] === 'number' ? [entry['value']] : [])) as number[];
  const steps = Object.entries((entry['intermediate_values'] ?? {}) as Readonly<Record<string, number>>);
  return {
    number,
    state: Number(entry['state'] ?? 0),
    params: new Map(
      Object.entries(params).map(([name, value]) => [name, { value, distribution: distributions[name] ?? '' }]),
    ),
    values: values.map(Number),
    intermediate: new Map(steps.map(([step, value]) => [Number(step), value])),
    userAttributes: { ...(entry['user_attrs'] as Record<string, unknown> | undefined) },
    systemAttributes: { ...(entry['system_attrs'] as Record<string, unknown> | undefined) },
    startedAt: timeOf(entry['datetime_start']),
    endedAt: timeOf(entry['datetime_complete']),
  };
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** A journal with one study. */
export function writeJournal(study: OptunaStudy): string {
  const worker = 'mlops-export';
  const entries: unknown[] = [
    { op_code: 0, worker_id: worker, study_name: study.name, directions: study.directions },
    ...study.trials.map((trial) => ({
      op_code: 4,
      worker_id: worker,
      study_id: 0,
      datetime_start: isoOf(trial.startedAt),
      datetime_complete: isoOf(trial.endedAt),
      state: trial.state,
      value: null,
      values: trial.values.length === 0 ? null : trial.values,
      distributions: Object.fromEntries([...trial.params].map(([name, { distribution }]) => [name, distribution])),
      params: Object.fromEntries([...trial.params].map(([name, { value }]) => [name, value])),
      user_attrs: trial.userAttributes,
      system_attrs: trial.systemAttributes,
      intermediate_values: Object.fromEntries(trial.intermediate),
    })),
  ];
  return entries.map((entry) => `${lineOf(entry)}\n`).join('');
}

/** JSON as Python reads it: with its words for what is no finite number. */
function lineOf(entry: unknown): string {
  const text = JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? `\u0001${value}\u0001` : value,
  );
  return text.replace(/"\\u0001([^"\\]*)\\u0001"/g, '$1');
}

function isoOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString().replace('Z', '000+00:00');
}
