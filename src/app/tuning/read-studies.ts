import {
  losses,
  OpenStudy,
  paretoTrials,
  parseSpec,
  trialOf,
  violation,
  type FullTrial,
  type StudyRow,
  type StudySpec,
  type StudySummary,
  type TrialStore,
} from '../../tune/index.ts';
import { workersOf } from './company.ts';
import { studyNamed } from './open-tune.ts';

/** A study as it is told: `state` says what is really going on. */
export interface StudyReport {
  readonly row: StudyRow;
  readonly spec: StudySpec;
  readonly summary: StudySummary;
  readonly best: readonly FullTrial[];
  /** `running`, `stopping`, `killed` (its process is gone), `stopped`, `finished`. */
  readonly state: string;
}

/** How far a study is, without reading all of its trials. */
export async function studyReport(studies: TrialStore, name: string | undefined): Promise<StudyReport> {
  const row = await studyNamed(studies, name);
  const spec = parseSpec(row.spec, row.name);
  const summary = await studies.summary(row.name);
  const { best } = summary;
  const found =
    spec.directions.length > 1
      ? paretoTrials(await trialsOf(studies, row.name), spec.directions)
      : best === undefined
        ? []
        : [trialOf(best, row.name)];
  return { row, spec, summary, best: found, state: stateOf(row) };
}

function stateOf(row: StudyRow): string {
  const owned = workersOf(row).length > 0;
  if (row.state === 'ACTIVE') return owned ? 'running' : 'killed';
  if (row.state === 'STOPPING') return owned ? 'stopping' : 'stopped';
  return row.state.toLowerCase();
}

/** All trials of a study. @throws MlopsError `store_broken` for a damaged one, unless `skip` is told of it. */
export async function trialsOf(
  studies: TrialStore,
  name: string,
  skip?: (problem: Error) => void,
): Promise<readonly FullTrial[]> {
  return (await studies.listTrials(name)).flatMap((row) => {
    try {
      return [trialOf(row, name)];
    } catch (error) {
      if (skip === undefined || !(error instanceof Error)) throw error;
      skip(error);
      return [];
    }
  });
}

/** Complete, feasible trials, the best first; with several objectives those of the front first. */
export function ranked(trials: readonly FullTrial[], spec: StudySpec): readonly FullTrial[] {
  const good = trials.filter((trial) => trial.state === 'COMPLETE' && violation(trial) === 0);
  if (spec.directions.length > 1) {
    const front = new Set(paretoTrials(good, spec.directions));
    return [...good.filter((trial) => front.has(trial)), ...good.filter((trial) => !front.has(trial))];
  }
  const loss = (trial: FullTrial): number => losses(trial, spec.directions)[0] ?? Infinity;
  return [...good].sort((a, b) => loss(a) - loss(b) || a.number - b.number);
}

/** Opens a study only to look at it. */
export async function viewStudy(studies: TrialStore, row: StudyRow): Promise<OpenStudy> {
  const spec = parseSpec(row.spec, row.name);
  const silent = { suggest: () => Promise.reject(new Error('nobody asks')) };
  return OpenStudy.open(studies, row.name, spec, { slow: silent });
}
