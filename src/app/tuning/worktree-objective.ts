import * as path from 'node:path';

import { messageOf, MlopsError } from '../../base/index.ts';
import { localExecutor, shellArgv, type CommandSpec, type Executor } from '../../execute/index.ts';
import type { Run, RunStatus } from '../../mlflow/index.ts';
import { RunningStages } from '../../repo/guard/running-stages.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import { repro } from '../../repo/pipeline/repro.ts';
import type { InTurn } from '../../repo/pipeline/repro-context.ts';
import type { Worktree, Worktrees } from '../../repo/worktrees/worktrees.ts';
import { privateFolder } from '../../trust/index.ts';
import type { FullTrial, TrialEnd, TrialHands, TrialObjective } from '../../tune/index.ts';
import type { TrackingEndpoint } from '../endpoint/tracking-endpoint.ts';
import { outputTail } from '../recording/output-tail.ts';
import { recorderFor } from '../recording/repro.ts';
import type { MetricBus } from './metric-bus.ts';
import { nameOf, type MetricSource, type TuneSettings } from './settings.ts';
import { Heard, type Reading } from './trial-metrics.ts';
import { commandWith, recordedParams, trialEnv, writeParams, type ParamPlace } from './trial-params.ts';
import { Progress } from './trial-progress.ts';

export interface TrialGround {
  readonly settings: TuneSettings;
  readonly places: readonly ParamPlace[];
  readonly worktrees: Worktrees;
  readonly bus: MetricBus;
  /** Undefined where the trials find the server by themselves (MLFLOW_TRACKING_URI). */
  readonly endpoint: TrackingEndpoint | undefined;
  readonly experimentId: string;
  /** The study's run. */
  readonly runId: string;
  readonly user: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onWarning: (message: string) => void;
  /** What trials print. */
  readonly onOutput?: ((number: number, chunk: Uint8Array) => void) | undefined;
}

/** What is kept of a trial's output: all of this in its run, the end of it with the trial. */
const keptOutput = 1 << 20;
const keptLog = 2000;

/** Runs each trial in a worktree of its own, as a run below the study's. */
export function worktreeObjective(ground: TrialGround): TrialObjective {
  const inTurn = turns();
  return {
    async run(trial, hands) {
      const tree = ground.worktrees.make();
      try {
        return await new WorktreeTrial(ground, trial, hands, tree, inTurn).run();
      } finally {
        tree.remove();
      }
    },
  };
}

/** Work with the same key one after the other. */
function turns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key);
    const result = (before ?? Promise.resolve()).then(() => work(before !== undefined));
    const settled = result.catch(() => undefined);
    last.set(key, settled);
    try {
      return await result;
    } finally {
      if (last.get(key) === settled) last.delete(key);
    }
  };
}

class WorktreeTrial {
  readonly #ground: TrialGround;
  readonly #trial: FullTrial;
  readonly #hands: TrialHands;
  readonly #tree: Worktree;
  readonly #inTurn: InTurn;
  readonly #heard = new Heard();
  readonly #tail = outputTail(keptOutput);
  readonly #stop = new AbortController();
  readonly #restored: string[] = [];
  readonly #progress: Progress | undefined;
  #rest = '';
  #prunedAt: number | undefined;

  constructor(ground: TrialGround, trial: FullTrial, hands: TrialHands, tree: Worktree, inTurn: InTurn) {
    this.#ground = ground;
    this.#trial = trial;
    this.#hands = hands;
    this.#tree = tree;
    this.#inTurn = inTurn;
    const { settings } = ground;
    if (settings.pruner === undefined && settings.progress === undefined) return;
    this.#progress = new Progress(
      settings,
      (step, value) => hands.report(step, value),
      (step) => {
        this.#prunedAt = step;
        this.#stop.abort();
      },
    );
  }

  async run(): Promise<TrialEnd> {
    const run = await this.#beginRun();
    await this.#hands.note({ runId: run.info.id });
    const { bus } = this.#ground;
    const deaf = bus.listen(run.info.id, (metric) => {
      this.#heard.metric(metric);
      this.#progress?.logged(metric);
    });
    const token = this.#ground.endpoint?.issue(run.info.id);
    let problem: string | undefined;
    try {
      writeParams(this.#tree.root, this.#ground.places, this.#trial.params);
      this.#progress?.begin(this.#tree.root);
      problem = await this.#work(run, token);
    } catch (error) {
      // What is wrong with a stage is this trial's failure; what nobody foresaw ends the study.
      if (!isTrialsOwn(error)) throw error;
      problem = error.message;
    } finally {
      await this.#progress?.end();
      deaf();
      if (token !== undefined) this.#ground.endpoint?.revoke(token);
    }
    if (this.#ground.endpoint === undefined) await this.#readLogged(run);
    const end = this.#end(problem);
    await this.#endRun(run, end);
    return { ...end, facts: { ...end.facts, runId: run.info.id, restored: this.#restored } };
  }

  async #beginRun(): Promise<Run> {
    const { bus, experimentId, runId, user, settings } = this.#ground;
    const { number, params, facts } = this.#trial;
    const run = await bus.store.createRun({
      experimentId,
      userId: user,
      name: `${settings.study}-${number}`,
      startTime: Date.now(),
      tags: [
        { key: 'mlflow.parentRunId', value: runId },
        { key: 'mlflow.user', value: user },
        { key: 'mlflow.source.type', value: 'LOCAL' },
        { key: 'mlops.kind', value: 'trial' },
        { key: 'mlops.study', value: settings.study },
        { key: 'mlops.trial', value: String(number) },
        { key: 'mlops.sampler', value: String(settings.sampler['name']) },
        ...(facts.attempt > 1 ? [{ key: 'mlops.attempt', value: String(facts.attempt) }] : []),
      ],
    });
    await bus.store.logBatch(run.info.id, { params: recordedParams(this.#ground.places, params) });
    return run;
  }

  /** @returns why it failed, undefined where it came to its end. */
  #work(run: Run, token: string | undefined): Promise<string | undefined> {
    const { job } = this.#ground.settings;
    const env = { ...this.#ground.env, ...this.#variables(run, token) };
    return job.kind === 'command' ? this.#command(job.command, env) : this.#pipeline(run, env);
  }

  #variables(run: Run, token: string | undefined): Record<string, string> {
    const { settings, endpoint, experimentId } = this.#ground;
    return {
      ...trialEnv(settings.study, this.#trial.number, this.#trial.params),
      MLOPS_RUN_ID: run.info.id,
      MLFLOW_EXPERIMENT_ID: experimentId,
      ...(settings.join ? { MLFLOW_RUN_ID: run.info.id } : {}),
      ...(endpoint === undefined || token === undefined
        ? {}
        : { MLFLOW_TRACKING_URI: endpoint.url, MLFLOW_TRACKING_TOKEN: token }),
    };
  }

  async #command(template: string, env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
    const command = commandWith(template, this.#trial.params);
    const running = new RunningStages(privateFolder(this.#tree.root));
    const execution = this.#executor().start({
      argv: shellArgv(command, env),
      cwd: this.#tree.root,
      env,
      output: 'pipe',
    });
    running.started({ stage: `trial ${this.#trial.number}`, executor: 'local', id: execution.id });
    const { signal } = this;
    let cancelled: Promise<void> | undefined;
    const stop = (): void => void (cancelled ??= execution.cancel('SIGTERM'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const result = await execution.done;
    signal.removeEventListener('abort', stop);
    await cancelled;
    running.ended(execution.id);
    running.close();
    if (result.code === 0) return undefined;
    return `'${command}' ${result.code === null ? `was ended by ${result.signal}` : `exited with ${result.code}`}`;
  }

  async #pipeline(run: Run, env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
    const { settings, bus, endpoint, user, onWarning } = this.#ground;
    const { job } = settings;
    const repo = await openDataRepo(this.#tree.root, { env, commandLine: `tune ${settings.study}` });
    try {
      const options = { env, onWarning, signal: this.signal, record: true };
      const recorder = recorderFor(repo, options, {
        open: async () => bus.store,
        into: run,
        join: settings.join,
        user,
        endpoint: endpoint === undefined ? undefined : async () => ({ ...endpoint, close: async () => undefined }),
      });
      await repro(repo, {
        ...options,
        ...(recorder === undefined ? {} : { recorder }),
        ...(job.kind === 'pipeline' ? { targets: job.targets } : {}),
        inTurn: this.#inTurn,
        executor: this.#executor(),
        command: `tune ${settings.study}`,
        onEvent: (event) => {
          if (event.kind === 'done' && event.how === 'cached') this.#restored.push(event.stage.address);
          if (event.kind === 'unchanged' && event.stage.kind === 'pipeline') this.#restored.push(event.stage.address);
        },
      });
      return undefined;
    } finally {
      repo.close();
    }
  }

  get signal(): AbortSignal {
    return AbortSignal.any([this.#hands.signal, this.#stop.signal]);
  }

  /** Commands end by SIGTERM, and after a while by SIGKILL; what they print is heard. */
  #executor(): Executor {
    const local = localExecutor();
    return {
      ...local,
      start: (spec: CommandSpec) => {
        const execution = local.start({
          ...spec,
          onOutput: (chunk, stream) => {
            this.#hear(chunk);
            spec.onOutput?.(chunk, stream);
          },
        });
        return { ...execution, cancel: () => execution.cancel('SIGTERM') };
      },
    };
  }

  #hear(chunk: Uint8Array): void {
    this.#tail.add(chunk);
    this.#ground.onOutput?.(this.#trial.number, chunk);
    const lines = (this.#rest + Buffer.from(chunk).toString('utf8')).split(/\r?\n|\r/);
    this.#rest = (lines.pop() ?? '').slice(-10_000);
    for (const line of lines) {
      const told = this.#heard.line(line);
      this.#progress?.printed(told);
    }
  }

  /** The newest metrics of the run, which a server took. */
  async #readLogged(run: Run): Promise<void> {
    const { metrics } = await this.#ground.bus.store.getRun(run.info.id);
    for (const metric of metrics) this.#heard.metric(metric);
  }

  #end(problem: string | undefined): TrialEnd {
    if (this.#rest !== '') this.#heard.line(this.#rest);
    const log = Buffer.from(this.#tail.content()).toString('utf8').slice(-keptLog);
    if (this.#prunedAt !== undefined) {
      return { state: 'PRUNED', facts: { reason: `pruned at step ${this.#prunedAt}`, metrics: this.#numbers() } };
    }
    if (this.#hands.signal.aborted) return { state: 'FAILED', facts: { reason: 'interrupted', log } };
    if (problem !== undefined) return { state: 'FAILED', facts: { reason: problem, log, metrics: this.#numbers() } };
    const { objectives, constraints } = this.#ground.settings;
    const values = objectives.map(({ source }) => this.#read(source));
    const bounds = constraints.flatMap(({ source, max, min }): Reading[] => {
      const reading = this.#read(source);
      if ('problem' in reading) return [reading];
      return [
        ...(max === undefined ? [] : [{ value: reading.value - max }]),
        ...(min === undefined ? [] : [{ value: min - reading.value }]),
      ];
    });
    const wrong = [...values, ...bounds].find((reading) => 'problem' in reading);
    if (wrong !== undefined)
      return { state: 'FAILED', facts: { reason: wrong.problem, log, metrics: this.#numbers() } };
    const numbers = (readings: typeof values): number[] =>
      readings.map((reading) => ('value' in reading ? reading.value : Number.NaN));
    return {
      state: 'COMPLETE',
      values: numbers(values),
      constraints: numbers(bounds),
      facts: { metrics: this.#numbers() },
    };
  }

  /** All that was measured by sources that are named, as far as it is there. */
  #numbers(): Record<string, number> {
    const { objectives, constraints, cost } = this.#ground.settings;
    const sources = [...objectives, ...constraints, ...(cost === undefined ? [] : [cost])].map(({ source }) => source);
    return Object.fromEntries(
      sources.flatMap((source) => {
        const reading = this.#read(source);
        return 'value' in reading && Number.isFinite(reading.value) ? [[nameOf(source), reading.value]] : [];
      }),
    );
  }

  #read(source: MetricSource): ReturnType<Heard['read']> {
    return this.#heard.read(source, this.#tree.root);
  }

  async #endRun(run: Run, end: TrialEnd): Promise<void> {
    const { store } = this.#ground.bus;
    const { id, artifactUri } = run.info;
    const interrupted = this.#hands.signal.aborted && end.state === 'FAILED';
    const status: RunStatus =
      end.state === 'PRUNED' || interrupted ? 'KILLED' : end.state === 'FAILED' ? 'FAILED' : 'FINISHED';
    const timestamp = Date.now();
    const metrics = [...Object.entries(end.facts?.metrics ?? {}), ...this.#heard.printed]
      .filter(([key]) => key !== '' && !this.#heard.logged.has(key))
      .map(([key, value]) => ({ key: nameForRun(key), value, step: 0, timestamp }));
    try {
      await store.logBatch(id, {
        metrics: [
          ...new Map(metrics.map((metric) => [metric.key, metric])).values(),
          { key: 'seconds', value: (timestamp - run.info.startTime) / 1000, step: 0, timestamp },
        ].slice(0, 1000),
        tags: [
          { key: 'mlops.trial.state', value: end.state },
          ...(end.facts?.reason === undefined ? [] : [{ key: 'mlops.trial.reason', value: end.facts.reason }]),
          ...(this.#restored.length === 0 ? [] : [{ key: 'mlops.restored', value: this.#restored.join(', ') }]),
        ],
      });
      const output = this.#tail.content();
      if (output.byteLength > 0) await store.artifacts(artifactUri).put('output.txt', output);
      await store.updateRun(id, { status, endTime: timestamp });
    } catch (error) {
      if (!isTrialsOwn(error)) throw error;
      this.#ground.onWarning(`the run of trial ${this.#trial.number} is not fully recorded: ${messageOf(error)}`);
    }
  }
}

function isTrialsOwn(error: unknown): error is MlopsError {
  return error instanceof MlopsError && error.code !== 'disk_full';
}

/** MLflow's rules for names. */
function nameForRun(key: string): string {
  return path.posix.normalize(key.replace(/[^/\w.\- ]/g, '_')).slice(0, 250);
}
