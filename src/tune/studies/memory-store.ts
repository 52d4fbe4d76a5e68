import { MlopsError } from '../../base/index.ts';
import type { StudyRow, StudySummary, TrialRow, TrialStore } from './trial-store.ts';

/** The in-memory kind: gone with the process. */
export function memoryTrials(): TrialStore {
  const studies = new Map<string, { row: StudyRow; readonly trials: Map<number, TrialRow> }>();
  const need = (name: string): { row: StudyRow; readonly trials: Map<number, TrialRow> } => {
    const study = studies.get(name);
    if (study === undefined) throw new MlopsError('resource_missing', `there is no study '${name}'`);
    return study;
  };
  const sorted = (name: string): TrialRow[] => [...need(name).trials.values()].sort((a, b) => a.number - b.number);
  return {
    async createStudy(row) {
      if (studies.has(row.name)) throw new MlopsError('resource_exists', `there is a study '${row.name}' already`);
      studies.set(row.name, { row, trials: new Map() });
    },
    getStudy: async (name) => studies.get(name)?.row,
    listStudies: async () => [...studies.values()].map(({ row }) => row).sort((a, b) => (a.name < b.name ? -1 : 1)),
    async updateStudy(name, change) {
      const study = need(name);
      study.row = { ...study.row, ...change };
    },
    async claimStudy(name, seen, owner, beat) {
      const study = need(name);
      if (study.row.owner !== seen) return false;
      study.row = { ...study.row, owner, beat };
      return true;
    },
    async deleteStudy(name) {
      need(name);
      studies.delete(name);
    },
    async putTrials(name, trials) {
      const study = need(name);
      for (const trial of trials) study.trials.set(trial.number, trial);
    },
    async swapTrial(name, trial, seen) {
      const { trials } = need(name);
      const now = trials.get(trial.number);
      if (now?.state !== seen?.state || now?.body !== seen?.body) return false;
      trials.set(trial.number, trial);
      return true;
    },
    listTrials: async (name, { from = 0, limit = Infinity } = {}) =>
      sorted(name)
        .filter(({ number }) => number >= from)
        .slice(0, limit),
    summary: async (name) => summaryOf(sorted(name)),
  };
}

function summaryOf(trials: readonly TrialRow[]): StudySummary {
  const counts: Record<string, number> = {};
  let best: TrialRow | undefined;
  let firstStart: number | undefined;
  let lastEnd: number | undefined;
  for (const trial of trials) {
    counts[trial.state] = (counts[trial.state] ?? 0) + 1;
    if (trial.loss !== null && (best?.loss ?? Infinity) > trial.loss) best = trial;
    if (firstStart === undefined || trial.startedAt < firstStart) firstStart = trial.startedAt;
    if (trial.endedAt !== null && trial.endedAt > (lastEnd ?? -Infinity)) lastEnd = trial.endedAt;
  }
  return { counts, best, running: trials.filter(({ state }) => state === 'RUNNING'), firstStart, lastEnd };
}
