import type { OnProgress } from '../../base/index.ts';
import type { Executor } from '../../execute/index.ts';
import type { Stage } from '../../project/index.ts';
import type { RunningStages } from '../guard/running-stages.ts';
import type { DataRepo } from '../open/data-repo.ts';
import type { GitSide } from '../open/git-side.ts';
import type { LockStore } from '../open/lock-store.ts';
import type { RunCache } from '../stages/run-cache.ts';
import type { StageExclusion } from '../stages/stage-exclusion.ts';
import type { Recorder } from './recorder.ts';
import type { OnReproEvent } from './repro-events.ts';

/** Does work while no other has the same key; `waited` where another one had. */
export type InTurn = <Result>(key: string, work: (waited: boolean) => Promise<Result>) => Promise<Result>;

/** What the stages of one repro share. */
export interface ReproContext {
  readonly repo: DataRepo;
  readonly executor: Executor;
  /** Added to the environment of commands. */
  readonly variables: Readonly<Record<string, string>>;
  /** Several repros of one project at once: each stage with the same inputs runs in one of them. */
  readonly inTurn: InTurn | undefined;
  readonly runs: RunCache;
  readonly locks: LockStore;
  readonly git: GitSide;
  readonly recorder: Recorder;
  readonly onEvent: OnReproEvent;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnProgress | undefined;
  readonly output: 'inherit' | 'pipe';
  readonly dry: boolean;
  readonly explain: boolean;
  readonly noCommit: boolean;
  readonly useRunCache: boolean;
  readonly allowMissing: boolean;
  readonly pull: boolean;
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /** A stage is about to run: starts what can be done beside other work. */
  readonly prepare: () => void;
  /** Told each stage's new contents. */
  readonly onFinished: (stage: Stage) => void;
  /** Makes sure that the recorder has begun. */
  readonly beginRecording: () => Promise<void>;
  readonly outsInGit: OutsInGit;
  readonly exclusion: StageExclusion;
  readonly running: RunningStages;
}

/** Outputs of stages and Git, which is asked about all of them at once. */
export interface OutsInGit {
  /** Throws `git_tracked` when Git tracks an output that the cache is to hold. */
  refuseTracked(stage: Stage): void;
  /** Makes Git ignore what it does not ignore yet. */
  ignore(stage: Stage): Promise<void>;
}

export interface StageTask {
  readonly stage: Stage;
  /** Place in the plan. */
  readonly rank: number;
  readonly force: boolean;
  /** The stages before this one, with what they made in this run. */
  readonly upstream: readonly Stage[];
  /** Those of them that did something in this run. */
  readonly worked: readonly Stage[];
}
