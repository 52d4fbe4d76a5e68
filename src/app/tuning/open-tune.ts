import * as os from 'node:os';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import { didYouMean, MlopsError } from '../../base/index.ts';
import { isSameProcess, processBirth } from '../../execute/index.ts';
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
import { seeded } from './read-tune.ts';
import { nameOf, type TuneSettings } from './settings.ts';

/** Who suggests for a study. */
interface Owner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly born: string | undefined;
}

/** How often an owner says that it is there, and after how long without it is gone. Milliseconds. */
export const beatEvery = 5000;
const goneAfter = 30_000;

/** A study that this process suggests for. */
export interface HeldStudy {
  readonly row: StudyRow;
  readonly spec: StudySpec;
  /** True where it was there already. */
  readonly resumed: boolean;
  /** Says that the owner is there; false: another one has taken the study. */
  beat(): Promise<boolean>;
  /** Gives it back. */
  release(state: StudyRow['state'], reason: string): Promise<void>;
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
 * Makes a study, or goes on with the one of its name, as the only one who suggests for it.
 *
 * @param extend a changed space is taken over.
 * @throws MlopsError `tune_changed` where the stored study searches something else, `tune_busy` where somebody suggests
 *   for it now, `store_version`.
 */
export async function holdStudy(
  store: TrackingStore,
  settings: TuneSettings,
  options: { readonly root: string; readonly experiment: string; readonly user: string; readonly extend?: boolean },
): Promise<HeldStudy> {
  const { studies } = store;
  const wanted = specOf(settings);
  const name = settings.study;
  const before = await studies.getStudy(name);
  const owner = JSON.stringify(newOwner());
  if (before === undefined) {
    const spec = { ...wanted, sampler: seeded(wanted.sampler) };
    const runId = await beginRun(store, settings, options);
    const row: StudyRow = {
      ...{ name, spec: JSON.stringify(spec), state: 'ACTIVE', reason: '', owner, beat: Date.now(), runId },
      createdAt: Date.now(),
    };
    await studies.createStudy(row);
    return held(studies, row, spec, false);
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
  refuseOwned(before);
  const spec = merged(stored, wanted);
  if (!(await studies.claimStudy(name, before.owner, owner, Date.now()))) {
    throw busy(name, 'another process has just begun to work on it');
  }
  const runId = before.runId === '' ? await beginRun(store, settings, options) : before.runId;
  const change = { spec: JSON.stringify(spec), state: 'ACTIVE', reason: '', runId } as const;
  await studies.updateStudy(name, change);
  if (before.runId !== '') await store.updateRun(before.runId, { status: 'RUNNING' }).catch(() => undefined);
  return held(studies, { ...before, ...change, owner }, spec, true);
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

function held(studies: TrialStore, row: StudyRow, spec: StudySpec, resumed: boolean): HeldStudy {
  const { name, owner } = row;
  return {
    row,
    spec,
    resumed,
    beat: () => studies.claimStudy(name, owner, owner, Date.now()),
    async release(state, reason) {
      await studies.updateStudy(name, { state, reason });
      await studies.claimStudy(name, owner, '', Date.now());
    },
  };
}

function newOwner(): Owner {
  return { id: randomUUID(), host: os.hostname(), pid: process.pid, born: processBirth(process.pid) };
}

/** Whether somebody suggests for a study now. */
export function isOwned(row: StudyRow): Owner | undefined {
  if (row.owner === '') return undefined;
  const owner = JSON.parse(row.owner) as Owner;
  const here = owner.host === os.hostname();
  const alive = here ? isSameProcess(owner.pid, owner.born) : Date.now() - row.beat < goneAfter;
  return alive ? owner : undefined;
}

function refuseOwned(row: StudyRow): void {
  const owner = isOwned(row);
  if (owner !== undefined) throw busy(row.name, `process ${owner.pid} on ${owner.host} works on it`);
}

function busy(name: string, who: string): MlopsError {
  return new MlopsError('tune_busy', `study '${name}' has somebody who suggests already: ${who}`, {
    hint: 'one process suggests: run more trials at a time with -j there, or end it with `mlops tune stop`',
  });
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
