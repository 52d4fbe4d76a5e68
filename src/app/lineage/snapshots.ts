import { createHash } from 'node:crypto';

import { isMlopsError, mapPool, orFailure, toPlain } from '../../base/index.ts';
import type { Run } from '../../mlflow/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { lineageOf, lineagePath } from '../../repo/pipeline/lineage.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { readRecordedRun, type Provenance, type RecordedRun } from '../recording/provenance.ts';
import { ProjectStates } from './project-states.ts';

export interface FileRecord {
  /** From the root of the project; of what lies outside as it was written. */
  readonly path: string;
  readonly md5: string | undefined;
  readonly size: number | undefined;
}

/** A stage as it was carried out: the same command on the same content is the same record, in whichever run. */
export interface StageRecord {
  /** `train@1a2b3c4d`. */
  readonly id: string;
  readonly address: string;
  readonly cmd: string | readonly string[] | undefined;
  readonly params: unknown;
  readonly deps: readonly FileRecord[];
  readonly outs: readonly FileRecord[];
}

/** A pipeline as it stood at one time: at the end of a run, in a commit, in the work tree. */
export interface Snapshot {
  readonly run: Run | undefined;
  /** What its code was; undefined for the work tree, or without Git. */
  readonly commit: string | undefined;
  readonly provenance: Provenance | undefined;
  readonly stages: readonly StageRecord[];
}

/** The snapshots that were met so far; each is read once. */
export class Snapshots {
  readonly loaded: Snapshot[] = [];
  readonly #runs = new Map<string, Promise<Snapshot | undefined>>();
  readonly #states = new Map<string, Snapshot>();
  readonly #store: TrackingStore | undefined;
  /** Undefined outside of a project. */
  readonly states: ProjectStates | undefined;

  constructor(store: TrackingStore | undefined, repo: DataRepo | undefined) {
    this.#store = store;
    this.states = repo === undefined ? undefined : new ProjectStates(repo);
  }

  /** Undefined for a run that `repro` did not record. */
  ofRun(run: Run): Promise<Snapshot | undefined> {
    let known = this.#runs.get(run.info.id);
    if (known === undefined) this.#runs.set(run.info.id, (known = this.#readRun(run)));
    return known;
  }

  async ofRuns(runs: readonly Run[]): Promise<void> {
    await mapPool(runs, 16, (run) => this.ofRun(run));
  }

  async #readRun(run: Run): Promise<Snapshot | undefined> {
    const recorded = await readRecordedRun(this.#store?.artifacts(run.info.artifactUri) ?? noArtifacts());
    if (recorded === undefined) return undefined;
    const commit = run.tags.find(({ key }) => key === 'mlflow.source.git.commit')?.value;
    const snapshot = { run, commit, provenance: recorded.provenance, stages: stagesOfRun(recorded) };
    this.loaded.push(snapshot);
    return snapshot;
  }

  /** Loads the first of a commit and the work tree in which a stage made a content. */
  around(md5: string, commit: string | undefined): void {
    for (const revision of [...(commit === undefined ? [] : [commit]), 'workspace']) {
      const snapshot = orFailure(() => this.ofState(revision));
      // A commit of another clone tells nothing here.
      if (isMlopsError(snapshot)) continue;
      if (snapshot?.stages.some(({ outs }) => outs.some((out) => out.md5 === md5)) === true) return;
    }
  }

  /** The pipeline of a commit, or of the work tree; undefined without a project. @throws MlopsError `unknown_revision`. */
  ofState(revision: string): Snapshot | undefined {
    if (this.states === undefined) return undefined;
    if (this.#states.has(revision)) return this.#states.get(revision);
    const { commit, stages } = this.states.at(revision);
    const snapshot: Snapshot = {
      run: undefined,
      commit,
      provenance: undefined,
      stages: pipelineStages(this.states.repo, stages),
    };
    this.#states.set(revision, snapshot);
    this.loaded.push(snapshot);
    return snapshot;
  }
}

function noArtifacts(): never {
  throw new TypeError('a run without a store');
}

function stagesOfRun({ entries, provenance }: RecordedRun): StageRecord[] {
  const files = new Map<string, { deps: FileRecord[]; outs: FileRecord[] }>();
  for (const { stage, role, path, md5, size } of entries) {
    const lists = files.get(stage) ?? { deps: [], outs: [] };
    files.set(stage, lists);
    (role === 'dep' ? lists.deps : lists.outs).push({ path, md5, size });
  }
  const known = provenance?.stages ?? {};
  for (const address of Object.keys(known)) if (!files.has(address)) files.set(address, { deps: [], outs: [] });
  return [...files].map(([address, lists]) =>
    withId({ address, cmd: known[address]?.cmd, params: known[address]?.params, ...lists }),
  );
}

/** The stages of the work tree. */
export function stagesOfRepo(repo: DataRepo): StageRecord[] {
  return pipelineStages(repo, repo.stages());
}

function pipelineStages(repo: DataRepo, stages: readonly Stage[]): StageRecord[] {
  return stages.flatMap((stage) => (stage.kind === 'pipeline' ? [recordOf(repo, stage)] : []));
}

/** A stage as the project's files have it recorded. */
function recordOf(repo: DataRepo, stage: Stage): StageRecord {
  const entries = lineageOf(repo, stage);
  const file = ({ path, md5, size }: FileRecord): FileRecord => ({ path, md5, size });
  return withId({
    address: stage.address,
    cmd: stage.locked?.cmd ?? stage.cmd,
    params: Object.fromEntries(
      stage.params.map((dep) => [lineagePath(repo, stage, dep), toPlain(dep.recorded ?? new Map())] as const),
    ),
    deps: entries.filter(({ role }) => role === 'dep').map(file),
    outs: entries.filter(({ role }) => role !== 'dep').map(file),
  });
}

function withId(stage: Omit<StageRecord, 'id'>): StageRecord {
  const { address, deps, outs } = stage;
  const content = JSON.stringify([address, ...[deps, outs].map((list) => list.map(({ path, md5 }) => [path, md5]))]);
  return { id: `${address}@${createHash('md5').update(content).digest('hex').slice(0, 8)}`, ...stage };
}
