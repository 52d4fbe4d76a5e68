import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, type OnProgress } from '../../base/index.ts';
import { findGitRoot, runGit } from '../../git/index.ts';
import type { Run } from '../../mlflow/index.ts';
import { parseDataFile } from '../../project/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import type { OnReproEvent } from '../../repo/pipeline/repro-events.ts';
import { repro } from '../../repo/pipeline/repro.ts';
import { pull } from '../../repo/sync/pull.ts';
import { Worktrees } from '../../repo/worktrees/worktrees.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { describeEnvironment, type Environment } from '../recording/environment.ts';
import { readPatch } from '../recording/provenance.ts';
import { metricsOf } from '../recording/report-metrics.ts';
import { Snapshots, stagesOfRepo, type StageRecord } from './snapshots.ts';

/** `bitwise`: every output by its md5. A number: metrics may differ by it, outputs are told and do not count. */
export type Comparison = 'bitwise' | { readonly tolerance: number };

export interface ReproduceOptions {
  /** Only these stages, and what they need; all where none is named. */
  readonly targets: readonly string[];
  readonly compare: Comparison;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress | undefined;
  readonly onEvent?: OnReproEvent | undefined;
  /** Told before anything runs. */
  readonly onEnvironment?: ((differences: readonly EnvironmentDifference[]) => void) | undefined;
}

export interface EnvironmentDifference {
  /** `node`, `python`, `packages.numpy`, `cpu.flags`... */
  readonly name: string;
  readonly was: string | undefined;
  readonly now: string | undefined;
}

/** An output of a stage as it was and as it came out now. */
export interface OutComparison {
  readonly stage: string;
  readonly path: string;
  readonly was: string | undefined;
  readonly now: string | undefined;
  readonly same: boolean;
}

export interface MetricComparison {
  readonly path: string;
  readonly metric: string;
  readonly was: number;
  readonly now: number | undefined;
  readonly same: boolean;
}

export interface Reproduction {
  readonly run: string;
  readonly commit: string;
  readonly patched: boolean;
  /** Undefined for a run that recorded none. */
  readonly environment: readonly EnvironmentDifference[] | undefined;
  readonly outs: readonly OutComparison[];
  readonly metrics: readonly MetricComparison[];
  /** The first stage, in the order of the pipeline, that read the same and made something else. */
  readonly parts: string | undefined;
  readonly same: boolean;
}

/**
 * Runs the pipeline of a recorded run again, in a copy of the project at the run's commit with the changes that it kept,
 * without the run cache and without recording, and compares what comes out.
 *
 * @throws MlopsError `not_reproducible` for a run that recorded no pipeline or no commit, and what `repro` and `pull` throw.
 */
export async function reproduceRun(
  run: Run,
  places: { readonly repo: DataRepo; readonly store: TrackingStore },
  options: ReproduceOptions,
): Promise<Reproduction> {
  const { repo, store } = places;
  const then = await new Snapshots(store, undefined).ofRun(run);
  const name = run.info.id;
  if (then === undefined) {
    throw new MlopsError('not_reproducible', `run ${name} was not made by \`mlops repro\`: its pipeline is not known`);
  }
  const { commit, provenance } = then;
  if (commit === undefined) {
    throw new MlopsError('not_reproducible', `run ${name} has no commit: its code is not known`, {
      hint: 'commit before `mlops repro`: what is not committed is kept as a patch',
    });
  }
  const environment =
    provenance === undefined
      ? undefined
      : environmentDifferences(provenance.environment, describeEnvironment(options.env));
  if (environment !== undefined) options.onEnvironment?.(environment);
  const patch =
    provenance === undefined ? undefined : await readPatch(store.artifacts(run.info.artifactUri), provenance);
  const worktrees = await Worktrees.open({ root: repo.root, writes: [], revision: commit });
  try {
    const { root } = worktrees.make();
    if (patch !== undefined) applyPatch(repo.root, root, patch);
    const now = await runAgain(root, options);
    const made = new Set(now.map(({ address }) => address));
    const wanted = then.stages.filter(({ address }) => options.targets.length === 0 || made.has(address));
    const outs = compareOuts(wanted, now);
    const metrics = await compareMetrics(store, run, root, wanted, options.compare);
    const same = options.compare === 'bitwise' ? outs.every((out) => out.same) : metrics.every((metric) => metric.same);
    const parts = outs.every((out) => out.same) ? undefined : partingStage(wanted, now);
    return { run: name, commit, patched: patch !== undefined, environment, outs, metrics, parts, same };
  } finally {
    worktrees.close();
  }
}

/** A worktree lies inside of the repository of the project, which Git must not take it for. */
function applyPatch(root: string, target: string, patch: Uint8Array): void {
  const depth = path
    .relative(findGitRoot(root) ?? root, root)
    .split(path.sep)
    .filter((part) => part !== '').length;
  runGit(target, ['apply', '--whitespace=nowarn', `-p${1 + depth}`, '-'], {
    input: patch,
    env: { GIT_CEILING_DIRECTORIES: path.dirname(target) },
  });
}

async function runAgain(root: string, options: ReproduceOptions): Promise<readonly StageRecord[]> {
  const { targets, signal, onProgress, onEvent, env } = options;
  const repo = await openDataRepo(root, { env, signal });
  try {
    const data = repo.stages().filter((stage) => stage.kind === 'data');
    if (data.length > 0) {
      const files = data.map((stage) => path.join(root, stage.file));
      await pull(repo, { targets: files, signal, onProgress, force: true, onWarning: () => undefined });
    }
    const ran = await repro(repo, {
      targets,
      allPipelines: targets.length === 0,
      force: true,
      noRunCache: true,
      noCommit: true,
      signal,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    repo.forget();
    const addresses = new Set(ran.stages.map(({ address }) => address));
    return stagesOfRepo(repo).filter(({ address }) => addresses.has(address));
  } finally {
    repo.close();
  }
}

function compareOuts(then: readonly StageRecord[], now: readonly StageRecord[]): OutComparison[] {
  const after = new Map(now.flatMap(({ outs }) => outs.map((out) => [out.path, out.md5] as const)));
  return then.flatMap(({ address, outs }) =>
    outs.map(({ path: file, md5 }) => {
      const found = after.get(file);
      return { stage: address, path: file, was: md5, now: found, same: md5 !== undefined && md5 === found };
    }),
  );
}

/** The first stage that was told and read the same, and made something else; else the first that made something else. */
function partingStage(then: readonly StageRecord[], now: readonly StageRecord[]): string | undefined {
  const different = now.filter((stage) => {
    const before = then.find(({ address }) => address === stage.address);
    return before?.outs.some((out) => out.md5 !== stage.outs.find(({ path: file }) => file === out.path)?.md5) === true;
  });
  const first = different.find((stage) => {
    const before = then.find(({ address }) => address === stage.address);
    return (
      before?.deps.every((dep) => dep.md5 === stage.deps.find(({ path: file }) => file === dep.path)?.md5) === true
    );
  });
  return (first ?? different[0])?.address;
}

/** The numbers in the metric files that the run keeps, beside those that came out now. */
async function compareMetrics(
  store: TrackingStore,
  run: Run,
  root: string,
  wanted: readonly StageRecord[],
  compare: Comparison,
): Promise<MetricComparison[]> {
  const tolerance = compare === 'bitwise' ? 0 : compare.tolerance;
  const artifacts = store.artifacts(run.info.artifactUri);
  const kept = new Set((await artifacts.list('metrics').catch(() => [])).map((file) => file.path));
  const found: MetricComparison[] = [];
  const outs = wanted.flatMap((stage) => stage.outs.map((out) => out.path));
  for (const file of outs) {
    const inside = file.startsWith('metrics/') ? file : path.posix.join('metrics', file);
    const local = path.join(root, file);
    if (!kept.has(inside) || /\.(?:csv|tsv)$/i.test(file)) continue;
    const before = numbersIn(Buffer.from(await artifacts.get(inside)).toString('utf8'), file);
    const after = fs.existsSync(local) ? numbersIn(fs.readFileSync(local, 'utf8'), file) : new Map<string, number>();
    for (const [metric, value] of before) {
      const now = after.get(metric);
      const same = now !== undefined && (Object.is(now, value) || Math.abs(now - value) <= tolerance);
      found.push({ path: file, metric, was: value, now, same });
    }
  }
  return found;
}

function numbersIn(text: string, file: string): Map<string, number> {
  return new Map(metricsOf(parseDataFile(text, file)).map(({ key, value }) => [key, value]));
}

/** What differs between two environments, by name; of packages and flags each for itself. */
export function environmentDifferences(then: Environment, now: Environment): EnvironmentDifference[] {
  const [before, after] = [flat(then), flat(now)];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name) => {
    const [one, other] = [before.get(name), after.get(name)];
    return one === other ? [] : [{ name, was: one, now: other }];
  });
}

function flat({ node, platform, os, cpu, python, variables }: Environment): Map<string, string> {
  const packages = Object.entries(python?.packages ?? {}).map(
    ([name, version]) => [`packages.${name}`, version] as const,
  );
  const set = Object.entries(variables).map(([name, value]) => [name, value] as const);
  const known: readonly (readonly [string, string | undefined])[] = [
    ['node', node],
    ['platform', platform],
    ['os', os],
    ['cpu', cpu.model],
    ['cpu.flags', cpu.flags.toSorted().join(' ')],
    ['python', python?.version],
    ...packages,
    ...set,
  ];
  return new Map(known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}
