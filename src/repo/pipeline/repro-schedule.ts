import { isMlopsError, messageOf, MlopsError } from '../../base/index.ts';
import type { Resources } from '../../execute/index.ts';
import { pythonRepr, type Stage } from '../../project/index.ts';
import type { StageGraph } from '../open/graph.ts';
import { postOrder } from './order.ts';
import type { OnReproEvent } from './repro-events.ts';
import { ResourcePool } from './resources.ts';
import type { StageTask } from './repro-context.ts';

export interface ScheduleOptions {
  readonly force: boolean;
  readonly forceDownstream: boolean;
  readonly onError: 'fail' | 'keep-going' | 'ignore';
  readonly jobs: number;
  /** What the stages may take together besides CPUs. */
  readonly capacity: Resources;
  /** The targets only: their deps in the plan do not matter. */
  readonly single: boolean;
  readonly onEvent: OnReproEvent;
}

export interface PlanOutcome {
  /** Stages that did something, with their new contents. */
  readonly done: readonly Stage[];
  readonly failed: readonly Stage[];
}

/**
 * Works off a plan: one stage after another in its order, or with `jobs` several at a time, each as soon as
 * what it needs is there. The first failure ends it (running stages may end), unless `onError` says otherwise.
 *
 * @throws MlopsError `stage_failed` for the first failure, `interrupted`.
 */
export async function runPlan(
  graph: StageGraph,
  steps: readonly Stage[],
  work: (task: StageTask) => Promise<Stage | undefined>,
  options: ScheduleOptions,
): Promise<PlanOutcome> {
  const plan = new Plan(graph, steps, work, options);
  if (options.jobs <= 1) await plan.oneByOne();
  else await plan.inParallel(options.jobs);
  if (plan.failure !== undefined) throw plan.failure;
  return { done: plan.done, failed: plan.failed };
}

class Plan {
  readonly done: Stage[] = [];
  readonly failed: Stage[] = [];
  failure: unknown;
  readonly #graph: StageGraph;
  readonly #steps: readonly Stage[];
  readonly #work: (task: StageTask) => Promise<Stage | undefined>;
  readonly #options: ScheduleOptions;
  readonly #forced = new Set<Stage>();
  readonly #skipped = new Set<Stage>();
  /** Stages as they are after they ran in this plan. */
  readonly #current = new Map<Stage, Stage>();

  constructor(
    graph: StageGraph,
    steps: readonly Stage[],
    work: (task: StageTask) => Promise<Stage | undefined>,
    options: ScheduleOptions,
  ) {
    this.#graph = graph;
    this.#steps = steps;
    this.#work = work;
    this.#options = options;
  }

  async oneByOne(): Promise<void> {
    let did = false;
    for (const [rank, stage] of this.#steps.entries()) {
      if (this.#skipped.has(stage)) continue;
      if (did) this.#options.onEvent({ kind: 'gap' });
      did = await this.#attempt(stage, rank);
      if (this.failure !== undefined) return;
    }
  }

  async inParallel(jobs: number): Promise<void> {
    const waiting = new Set(this.#steps);
    const running = new Map<Stage, Promise<void>>();
    const ranks = new Map(this.#steps.map((stage, rank) => [stage, rank]));
    const free = new ResourcePool(jobs, this.#options.capacity);
    const ready = (stage: Stage): boolean =>
      this.#needs(stage).every((other) => !waiting.has(other) && !running.has(other));
    const attempt = async (stage: Stage): Promise<void> => {
      await this.#attempt(stage, ranks.get(stage) ?? 0);
      running.delete(stage);
      free.give(stage);
    };
    for (;;) {
      for (const stage of waiting) {
        if (this.failure !== undefined || running.size >= jobs) break;
        if (this.#skipped.has(stage)) waiting.delete(stage);
        else if (ready(stage) && free.take(stage)) {
          waiting.delete(stage);
          running.set(stage, attempt(stage));
        }
      }
      if (running.size === 0) return;
      await Promise.race(running.values());
    }
  }

  /** Whether the stage did something. */
  async #attempt(stage: Stage, rank: number): Promise<boolean> {
    const { forceDownstream, onError, onEvent } = this.#options;
    const force = this.#options.force || this.#forced.has(stage);
    try {
      const needs = this.#needs(stage);
      const upstream = needs.map((other) => this.#current.get(other) ?? other);
      const worked = upstream.filter((_, index) => this.#current.has(needs[index] ?? stage));
      const result = await this.#work({ stage, rank, force, upstream, worked });
      if (result !== undefined) {
        this.done.push(result);
        this.#current.set(stage, result);
      }
      const consumers = this.#graph.neededBy.get(stage) ?? [];
      if (forceDownstream && (result !== undefined || force)) for (const other of consumers) this.#forced.add(other);
      return result !== undefined;
    } catch (error) {
      if (isMlopsError(error, 'interrupted') || !isMlopsError(error)) this.failure ??= error;
      else if (onError === 'fail') this.failure ??= failureOf(stage, error);
      else {
        this.failed.push(stage);
        onEvent({ kind: 'failed', stage, error, ignored: onError === 'ignore' });
        if (onError === 'keep-going') this.#skipDependents(stage);
      }
      return false;
    }
  }

  #skipDependents(stage: Stage): void {
    const planned = new Set(this.#steps);
    const dependents = postOrder([stage], (other) => this.#graph.neededBy.get(other) ?? []).filter(
      (other) => other !== stage && planned.has(other),
    );
    for (const other of dependents) this.#skipped.add(other);
    if (dependents.length > 0) this.#options.onEvent({ kind: 'blocked', stages: dependents });
  }

  #needs(stage: Stage): Stage[] {
    return this.#options.single || stage.frozen ? [] : [...(this.#graph.needs.get(stage) ?? [])];
  }
}

/** `failed to reproduce 'train': why`, with the way out that the cause knows. */
function failureOf(stage: Stage, cause: MlopsError): MlopsError {
  return new MlopsError('stage_failed', `failed to reproduce ${pythonRepr(stage.address)}: ${messageOf(cause)}`, {
    cause,
    hint: cause.hint,
    data: { ...cause.data, stage: stage.address },
  });
}
