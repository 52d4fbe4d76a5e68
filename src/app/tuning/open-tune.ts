import { isDeepStrictEqual } from 'node:util';

import { didYouMean, isMlopsError, messageOf, MlopsError } from '../../base/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import {
  differences,
  parseSpec,
  partsOf,
  specVersion,
  type Params,
  type StudyRow,
  type StudySpec,
  type TrialStore,
} from '../../tune/index.ts';
import { experimentNamed } from '../recording/record.ts';
import { Membership, workersOf } from './company.ts';
import { seeded } from './read-tune.ts';
import { nameOf, type TuneSettings } from './settings.ts';

/** A study that this process works on. */
export interface HeldStudy {
  readonly row: StudyRow;
  readonly spec: StudySpec;
  /** True where it was there already. */
  readonly resumed: boolean;
  /** How many other processes worked on it when this one came. */
  readonly others: number;
  readonly membership: Membership;
}

/** What is stored of a study that is run with these settings. @throws MlopsError `tune_space`. */
export function specOf(settings: TuneSettings): StudySpec {
  const { space, objectives, sampler, pruner, dedupe, enqueue, ...run } = settings;
  const spec: StudySpec = {
    version: specVersion,
    space,
    directions: objectives.map(({ direction }) => direction),
    objectives: objectives.map(({ source }) => nameOf(source)),
    sampler,
    pruner: pruner ?? null,
    dedupe,
    enqueue,
    run: { ...run, objectives },
  };
  partsOf(spec);
  // As it comes back from the store: without what is undefined.
  return JSON.parse(JSON.stringify(spec)) as StudySpec;
}

/** The settings with which a study was run last. */
export function settingsOf(spec: StudySpec): TuneSettings {
  const { space, sampler, dedupe, enqueue } = spec;
  const run = spec.run as unknown as Omit<TuneSettings, 'space' | 'sampler' | 'pruner' | 'dedupe' | 'enqueue'>;
  return { ...run, space, sampler, pruner: spec.pruner ?? undefined, dedupe, enqueue };
}

/** The stored study of a name. @throws MlopsError `resource_missing` with the one that was probably meant. */
export async function studyNamed(studies: TrialStore, name: string | undefined): Promise<StudyRow> {
  if (name !== undefined) {
    const row = await studies.getStudy(name);
    if (row !== undefined) return row;
  }
  const all = await studies.listStudies();
  const [only] = all;
  if (name === undefined && only !== undefined && all.length === 1) return only;
  const names = all.map((row) => row.name);
  if (name === undefined && only !== undefined) {
    throw new MlopsError('usage', `which study? There are ${names.join(', ')}`, { hint: 'name one' });
  }
  throw new MlopsError('resource_missing', name === undefined ? 'there is no study' : `there is no study '${name}'`, {
    hint: (name === undefined ? undefined : didYouMean(name, names)) ?? 'mlops tune run makes one',
  });
}

/**
 * Makes a study, goes on with the one of its name, or joins those who work on it.
 *
 * @param extend a changed space is taken over, where nobody else works on it.
 * @throws MlopsError `tune_changed` where the stored study searches something else, `tune_busy` where others work on it
 *   and it ends or would have to change, `store_version`.
 */
export async function holdStudy(
  store: TrackingStore,
  settings: TuneSettings,
  options: { readonly root: string; readonly experiment: string; readonly user: string; readonly extend?: boolean },
): Promise<HeldStudy> {
  const { studies } = store;
  const wanted = specOf(settings);
  const name = settings.study;
  const prepares = settings.warmStart.length > 0 || settings.fromRuns !== undefined;
  const before = await studies.getStudy(name);
  if (before === undefined) {
    const membership = new Membership(studies, name, prepares);
    const spec = { ...wanted, sampler: seeded(wanted.sampler) };
    const runId = await beginRun(store, settings, options);
    const row: StudyRow = {
      ...{ name, spec: JSON.stringify(spec), state: 'ACTIVE', reason: '', owner: membership.alone, beat: Date.now() },
      ...{ runId, createdAt: Date.now() },
    };
    try {
      await studies.createStudy(row);
      return { row, spec, resumed: false, others: 0, membership };
    } catch (error) {
      if (!isMlopsError(error, 'resource_exists')) throw error;
      // Somebody else made it in the same moment.
      await store.updateRun(runId, { status: 'KILLED', endTime: Date.now() });
      return await holdStudy(store, settings, options);
    }
  }
  const stored = parseSpec(before.spec, name);
  // One that was imported knows neither where its params go nor what its metrics are called.
  const imported = stored.run['job'] === undefined;
  const changed = imported && stored.directions.join() === wanted.directions.join() ? [] : differences(stored, wanted);
  if (changed.length > 0 && options.extend !== true) {
    throw new MlopsError('tune_changed', `study '${name}' searches something else: ${changed.join('; ')}`, {
      hint: 'take the changes over with --extend, or give another name with --study',
      data: { changed },
    });
  }
  const [worker] = workersOf(before);
  if (worker !== undefined && changed.length > 0) {
    throw new MlopsError(
      'tune_busy',
      `process ${worker.pid} on ${worker.host} searches the space of '${name}' as it was`,
      {
        hint: 'end it with `mlops tune stop`, then extend the study',
      },
    );
  }
  const membership = new Membership(studies, name, false);
  const others = (await membership.enter()).length;
  try {
    const mixed = merged(stored, wanted);
    const spec = others > 0 ? { ...stored, enqueue: mixed.enqueue } : mixed;
    const runId = before.runId === '' ? await beginRun(store, settings, options) : before.runId;
    const change = { spec: JSON.stringify(spec), state: 'ACTIVE', reason: '', runId } as const;
    if (others === 0 || spec.enqueue.length > stored.enqueue.length) await studies.updateStudy(name, change);
    if (before.runId !== '') await store.updateRun(before.runId, { status: 'RUNNING' }).catch(() => undefined);
    return { row: { ...before, ...change }, spec, resumed: true, others, membership };
  } catch (error) {
    await membership.leave('STOPPED', messageOf(error)).catch(() => undefined);
    throw error;
  }
}

/** The stored seed stays; what is asked for besides is added. */
function merged(stored: StudySpec, wanted: StudySpec): StudySpec {
  const seed = wanted.sampler['seed'] ?? stored.sampler['seed'];
  const isNew = (params: Params): boolean => !stored.enqueue.some((known) => isDeepStrictEqual(known, params));
  return {
    ...wanted,
    sampler: seed === undefined ? seeded(wanted.sampler) : { ...wanted.sampler, seed },
    enqueue: [...stored.enqueue, ...wanted.enqueue.filter(isNew)],
  };
}

async function beginRun(
  store: TrackingStore,
  settings: TuneSettings,
  options: { readonly experiment: string; readonly user: string },
): Promise<string> {
  const experimentId = await experimentNamed(store, settings.experiment ?? options.experiment);
  const run = await store.createRun({
    experimentId,
    userId: options.user,
    name: settings.study,
    startTime: Date.now(),
    tags: [
      { key: 'mlflow.user', value: options.user },
      { key: 'mlflow.source.name', value: `tune ${settings.study}` },
      { key: 'mlflow.source.type', value: 'PROJECT' },
      { key: 'mlops.kind', value: 'study' },
      { key: 'mlops.study', value: settings.study },
    ],
  });
  return run.info.id;
}
