import * as path from 'node:path';

import { isMlopsError, messageOf } from '../../base/index.ts';
import { worktreeTree } from '../../git/index.ts';
import { readSettings } from '../../project/index.ts';
import { Worktrees } from '../../repo/worktrees/worktrees.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import {
  localDesk,
  OpenStudy,
  readSpace,
  runStudy,
  type Desk,
  type Done,
  type FullTrial,
  type StudyEvent,
  type StudyLimits,
} from '../../tune/index.ts';
import { lazyEndpoint } from '../endpoint/lazy-endpoint.ts';
import { afterGrace, openPlace, trackingPlace } from '../places/tracking-home.ts';
import { userName } from '../recording/repro.ts';
import { checkMetrics, trialPaths } from './check-metrics.ts';
import { MetricBus } from './metric-bus.ts';
import type { Membership } from './company.ts';
import { holdStudy, type HeldStudy } from './open-tune.ts';
import { optunaSampler } from './optuna-sampler.ts';
import { nameOf, type TuneSettings } from './settings.ts';
import { paramPlaces } from './trial-params.ts';
import { trialsOfRuns, trialsOfStudies } from './warm-start.ts';
import { worktreeObjective } from './worktree-objective.ts';

export interface TuneOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted: what runs is ended and given back. */
  readonly signal: AbortSignal;
  /** Takes over a changed space. */
  readonly extend?: boolean;
  readonly onBegin: (study: TuneBegin) => void;
  readonly onEvent: (event: StudyEvent) => void;
  readonly onOutput?: ((number: number, chunk: Uint8Array) => void) | undefined;
  readonly onWarning: (message: string) => void;
}

export interface TuneBegin {
  readonly study: OpenStudy;
  readonly settings: TuneSettings;
  readonly limits: StudyLimits;
  readonly resumed: boolean;
  /** Other processes that work on it. */
  readonly others: number;
  /** Trials that are run again, because their process went away. */
  readonly lost: readonly number[];
  /** Trials that came from elsewhere. */
  readonly taken: number;
}

export interface TuneOutcome {
  readonly study: string;
  readonly runId: string;
  /** Undefined where it was interrupted or stopped. */
  readonly done: Done | undefined;
  readonly best: readonly FullTrial[];
  readonly trials: readonly FullTrial[];
}

/** Trials of a study that says nothing of its length. */
const defaultTrials = 100;

/**
 * Runs a study until it is done, each trial in a worktree. A study that is there goes on; after a crash its trials that
 * were running are run again, and nothing else differs.
 *
 * @throws MlopsError `tune_metric`, `tune_space`, `bad_params`, `tune_changed`, `tune_busy`, `store_version`.
 */
export async function tuneStudy(settings: TuneSettings, options: TuneOptions): Promise<TuneOutcome> {
  const { env, signal } = options;
  const place = trackingPlace(options.cwd, env);
  const { root } = place;
  await checkMetrics(root, settings, env);
  const places = paramPlaces(root, settings, readSpace(settings.space));
  const paths = await trialPaths(root, settings, env);
  const store = await openPlace(place, { signal: afterGrace(signal) });
  const user = userName(env);
  const experiment = readSettings(worktreeTree(root)).record.experiment ?? path.basename(root);
  const closers: (() => Promise<void> | void)[] = [() => store.close()];
  let held: HeldStudy | undefined;
  try {
    held = await holdStudy(store, settings, { root, experiment, user, extend: options.extend === true });
    const { name, runId } = held.row;
    const slow = await optunaSampler(held.spec, env);
    if (slow !== undefined) closers.push(() => slow.close());
    const { membership } = held;
    const study = await OpenStudy.open(store.studies, name, held.spec, { slow, company: membership });
    const { experimentId } = (await store.getRun(runId)).info;
    if (held.resumed && held.others === 0) await endLostRuns(store, experimentId, runId);
    const taken = held.resumed ? 0 : await takeOthers(store, study, settings, experiment);
    await membership.ready();
    const worktrees = await Worktrees.open({ root, ...paths });
    closers.push(() => worktrees.close());
    const bus = new MetricBus(store);
    const endpoint = place.given ? undefined : await lazyEndpoint(bus.store);
    if (endpoint !== undefined) closers.push(() => endpoint.close());
    const objective = worktreeObjective({
      ...{
        settings: { ...settings, sampler: held.spec.sampler },
        places,
        worktrees,
        bus,
        endpoint,
        experimentId,
        runId,
      },
      ...{ user, env, onWarning: options.onWarning, onOutput: options.onOutput },
    });
    const limits = limitsOf(settings, study);
    options.onBegin({
      study,
      settings,
      limits,
      resumed: held.resumed,
      others: held.others,
      lost: [...study.lost],
      taken,
    });
    const watch = watchStudy(membership);
    closers.push(() => watch.close());
    let done: Done | undefined;
    let failure: unknown;
    try {
      const desk = localDesk(study, limits);
      const tidyDesk: Desk = {
        ...desk,
        async ask(worker) {
          const next = await desk.ask(worker);
          const again = 'trial' in next && next.trial.facts.attempt > 1 ? next.trial.number : undefined;
          if (again !== undefined) await endLostRuns(store, experimentId, runId, again);
          return next;
        },
      };
      done = await runStudy(tidyDesk, objective, {
        parallel: settings.parallel,
        worker: membership.me,
        retries: settings.trial.retries,
        trialTimeout: settings.trial.timeout,
        signal: AbortSignal.any([signal, watch.lost]),
        stop: watch.stop,
        onEvent: options.onEvent,
      });
    } catch (error) {
      failure = error;
    }
    if (watch.lost.aborted) throw watch.lost.reason;
    const why =
      failure === undefined ? (done?.reason ?? (signal.aborted ? 'interrupted' : 'stopped')) : messageOf(failure);
    const last = await membership.leave(done?.good === true ? 'FINISHED' : 'STOPPED', why);
    if (last) await endStudyRun(store, study, held, done, signal.aborted);
    held = undefined;
    if (failure !== undefined) throw failure;
    return { study: name, runId, done, best: study.best(), trials: study.trials };
  } catch (error) {
    // What ends here before a trial began must not look as if somebody still worked on it.
    if (held !== undefined) {
      const last = await held.membership.leave('STOPPED', messageOf(error)).catch(() => false);
      const failed = { status: 'FAILED', endTime: Date.now() } as const;
      if (last) await store.updateRun(held.row.runId, failed).catch(() => undefined);
    }
    throw error;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function limitsOf(settings: TuneSettings, study: OpenStudy): StudyLimits {
  const { timeout, cost, noImprovement, terminator, maxFailed, objectives } = settings;
  const finite = ['grid', 'brute-force'].includes(String(settings.sampler['name'])) || settings.dedupe;
  const endless =
    timeout === undefined && cost === undefined && noImprovement === undefined && terminator === undefined;
  const whole = finite && study.view.space.size() !== Infinity;
  return {
    trials: settings.trials ?? (endless && !whole ? defaultTrials : undefined),
    ...{ timeout, noImprovement, terminator, maxFailed },
    targets: objectives.map(({ target }) => target),
    cost: cost === undefined ? undefined : { metric: nameOf(cost.source), max: cost.max },
  };
}

/** Runs of trials whose process went away did not end by themselves. @param trial only those of this one. */
async function endLostRuns(store: TrackingStore, experimentId: string, runId: string, trial?: number): Promise<void> {
  const which = trial === undefined ? '' : ` and tags.\`mlops.trial\` = '${trial}'`;
  const filter = `tags.mlflow.parentRunId = '${runId}' and attributes.status = 'RUNNING'${which}`;
  for (;;) {
    const { items } = await store.searchRuns({ experimentIds: [experimentId], filter, maxResults: 1000 });
    for (const { info } of items) {
      await store.setTag(info.id, { key: 'mlops.trial.reason', value: 'its process went away' });
      await store.updateRun(info.id, { status: 'KILLED', endTime: Date.now() });
    }
    if (items.length === 0) return;
  }
}

async function takeOthers(
  store: TrackingStore,
  study: OpenStudy,
  settings: TuneSettings,
  experiment: string,
): Promise<number> {
  const others = await trialsOfStudies(store.studies, settings.warmStart, study.spec);
  const runs =
    settings.fromRuns === undefined
      ? []
      : await trialsOfRuns(store, settings.fromRuns, settings, study, settings.experiment ?? experiment);
  return study.take([...others, ...runs]);
}

/** Says that this process is there, and listens whether it is to stop. */
function watchStudy(membership: Membership): { readonly stop: AbortSignal; readonly lost: AbortSignal; close(): void } {
  const stop = new AbortController();
  const lost = new AbortController();
  let looks = false;
  const look = async (): Promise<void> => {
    if (looks) return;
    looks = true;
    try {
      if ((await membership.look()) === 'STOPPING') stop.abort();
    } catch (error) {
      // The next trial that is written tells of a store that is gone.
      if (!isMlopsError(error)) throw error;
      if (error.code === 'resource_missing') lost.abort(error);
    } finally {
      looks = false;
    }
  };
  const timer = setInterval(() => void look(), 500);
  timer.unref();
  return { stop: stop.signal, lost: lost.signal, close: () => clearInterval(timer) };
}

async function endStudyRun(
  store: TrackingStore,
  study: OpenStudy,
  { row: { runId } }: HeldStudy,
  done: Done | undefined,
  interrupted: boolean,
): Promise<void> {
  const timestamp = Date.now();
  const [best] = study.best();
  const single = study.spec.directions.length === 1 ? best : undefined;
  const metrics = (single?.values ?? []).map((value, i) => ({
    ...{
      key: `best.${study.spec.objectives[i] ?? i}`.replace(/[^/\w.\- ]/g, '_'),
      value,
      step: study.trials.length,
      timestamp,
    },
  }));
  await store.logBatch(runId, {
    metrics: [...metrics, { key: 'trials', value: study.made, step: study.trials.length, timestamp }],
    tags: single === undefined ? [] : [{ key: 'mlops.best.trial', value: String(single.number) }],
  });
  const status = interrupted || done === undefined ? 'KILLED' : done.good ? 'FINISHED' : 'FAILED';
  await store.updateRun(runId, { status, endTime: timestamp });
}
