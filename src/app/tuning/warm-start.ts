import { MlopsError, toPlain } from '../../base/index.ts';
import type { Run } from '../../mlflow/index.ts';
import { parseYaml } from '../../project/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import {
  contains,
  newFacts,
  parseSpec,
  trialOf,
  type FullTrial,
  type OpenStudy,
  type Params,
  type ParamValue,
  type StudySpec,
  type TrialStore,
} from '../../tune/index.ts';
import { nameOf, type TuneSettings } from './settings.ts';

/**
 * Finished trials of other studies, for one that begins with them.
 * @throws MlopsError `resource_missing`, `tune_space` for a study with other directions.
 */
export async function trialsOfStudies(
  studies: TrialStore,
  names: readonly string[],
  spec: StudySpec,
): Promise<FullTrial[]> {
  const found: FullTrial[] = [];
  for (const name of names) {
    const row = await studies.getStudy(name);
    if (row === undefined) throw new MlopsError('resource_missing', `there is no study '${name}' to begin with`);
    const { directions } = parseSpec(row.spec, name);
    if (directions.join() !== spec.directions.join()) {
      throw new MlopsError('tune_space', `study '${name}' goes in other directions: ${directions.join(', ')}`);
    }
    for (const trial of await studies.listTrials(name)) {
      const whole = trialOf(trial, name);
      if (whole.state === 'COMPLETE' || whole.state === 'PRUNED') found.push({ ...whole, notes: {} });
    }
  }
  return found;
}

/** More runs are not read. */
const mostRuns = 5000;

/**
 * Recorded runs as trials: those that have the searched params and the metrics. `experiment = 'NAME' and ...` names the
 * experiment, otherwise it is the study's; the rest is a search of runs.
 *
 * @throws MlopsError `resource_missing` for the experiment, `invalid_value` for the search.
 */
export async function trialsOfRuns(
  store: TrackingStore,
  query: string,
  settings: TuneSettings,
  study: OpenStudy,
  own: string,
): Promise<FullTrial[]> {
  const { experiment = own, filter } = splitQuery(query);
  const found = await store.getExperimentByName(experiment);
  if (found === undefined) throw new MlopsError('resource_missing', `there is no experiment '${experiment}'`);
  const trials: FullTrial[] = [];
  let pageToken: string | undefined;
  do {
    const page = await store.searchRuns({
      experimentIds: [found.id],
      filter,
      orderBy: ['attributes.start_time ASC'],
      maxResults: 1000,
      pageToken,
    });
    for (const run of page.items) trials.push(...trialOfRun(run, settings, study));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && trials.length < mostRuns);
  return trials;
}

/** `experiment = 'x' and metrics.acc > 0.5`, in any order of its parts. */
function splitQuery(query: string): { readonly experiment?: string; readonly filter: string | undefined } {
  const rest: string[] = [];
  let experiment: string | undefined;
  for (const part of query.split(/\band\b/i)) {
    const [, name] = /^\s*experiment\s*=\s*['"]([^'"]*)['"]\s*$/i.exec(part) ?? [];
    if (name === undefined) rest.push(part.trim());
    else experiment = name;
  }
  const filter = rest.filter((part) => part !== '').join(' and ');
  return { ...(experiment === undefined ? {} : { experiment }), filter: filter === '' ? undefined : filter };
}

function trialOfRun(run: Run, settings: TuneSettings, study: OpenStudy): FullTrial[] {
  const given = new Map(run.params.map(({ key, value }) => [key, value]));
  const numbers = new Map(run.metrics.map(({ key, value }) => [key, value]));
  const params: Record<string, ParamValue> = {};
  for (const { name, domain } of study.view.space.parameters) {
    const key = name.replace(/^[^:]*:/, '').replace(/^\+/, '');
    const text = given.get(key) ?? given.get(name);
    const value = text === undefined ? undefined : readText(text);
    if (value !== undefined && contains(domain, value)) params[name] = value;
    else if (text !== undefined && contains(domain, text)) params[name] = text;
  }
  const active: Params = study.view.space.active(params);
  const complete = study.view.space.parameters.every(
    (parameter) => parameter.name in active || !study.view.space.isActive(parameter, active),
  );
  const values = settings.objectives.map(({ source }) => numbers.get(nameOf(source)) ?? Number.NaN);
  if (!complete || values.some(Number.isNaN)) return [];
  const { startTime, endTime, id } = run.info;
  const facts = { ...newFacts, startedAt: startTime, endedAt: endTime ?? startTime, runId: id, foreign: true };
  return [
    {
      number: 0,
      state: 'COMPLETE',
      params: active,
      values,
      intermediate: new Map(),
      constraints: [],
      notes: {},
      facts,
    },
  ];
}

function readText(text: string): ParamValue | undefined {
  try {
    return toPlain(parseYaml(text, 'a param')) as ParamValue;
  } catch {
    return undefined;
  }
}
