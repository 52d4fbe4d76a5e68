import * as os from 'node:os';
import * as path from 'node:path';

import { MlopsError, messageOf } from '../../base/index.ts';
import { localExecutor, type CommandResult } from '../../execute/index.ts';
import { findGitRoot, gitState, worktreeTree } from '../../git/index.ts';
import type { Run, Tag } from '../../mlflow/index.ts';
import { readSettings } from '../../project/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { lazyEndpoint } from '../endpoint/lazy-endpoint.ts';
import { sampleSystem } from './system-metrics.ts';
import { outputTail } from './output-tail.ts';

export interface RunCommandOptions {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The project's folder. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: `record.experiment` of mlops.yaml, else the name of the project's folder. */
  readonly experiment?: string | undefined;
  readonly name?: string | undefined;
  readonly tags: readonly Tag[];
  readonly user: string;
  /** True when the store was named by MLFLOW_TRACKING_URI, which is then passed through as it is. */
  readonly remote: boolean;
  readonly systemMetrics: boolean;
  readonly signal: AbortSignal;
  readonly onOutput: (chunk: Uint8Array, stream: 'stdout' | 'stderr') => void;
  readonly onStart: (run: Run) => void;
  readonly onWarning: (message: string) => void;
}

export interface RanCommand {
  readonly run: Run;
  readonly result: CommandResult;
}

/** The last part of the output that is kept with the run, in bytes. */
const keptOutput = 4 * 1024 * 1024;

/**
 * Runs a command as a recorded run: its output, exit code, time, git state, environment and the machine's load.
 * Runs that the command itself starts through MLflow become children of it; with `record.join` they are this run.
 *
 * @throws MlopsError `program_missing` when the command cannot be started; the run is then marked as failed.
 */
export async function runCommand(store: TrackingStore, options: RunCommandOptions): Promise<RanCommand> {
  const run = await beginRun(store, options);
  options.onStart(run);
  const endpoint = options.remote ? undefined : await lazyEndpoint(store);
  const stopSampling = options.systemMetrics
    ? sampleSystem(store, run.info.id, options.onWarning)
    : async () => undefined;
  const tail = outputTail(keptOutput);
  let result: CommandResult | undefined;
  try {
    const env = { ...options.env, ...trackingEnv(run, options, endpoint) };
    const execution = localExecutor().start({
      argv: options.argv,
      cwd: options.cwd,
      env,
      output: 'pipe',
      onOutput: (chunk, stream) => {
        tail.add(chunk);
        options.onOutput(chunk, stream);
      },
    });
    const stop = (): void => void execution.cancel('SIGINT');
    options.signal.addEventListener('abort', stop, { once: true });
    result = await execution.done;
    options.signal.removeEventListener('abort', stop);
    return { run, result };
  } finally {
    await stopSampling();
    await endpoint?.close();
    await endRun(store, run, result, tail.content(), options);
  }
}

function trackingEnv(
  run: Run,
  options: RunCommandOptions,
  endpoint: { readonly url: string; issue(parent: string): string } | undefined,
): Record<string, string> {
  const join = readSettings(worktreeTree(options.root)).record.join;
  return {
    MLOPS_RUN_ID: run.info.id,
    ...(join ? { MLFLOW_RUN_ID: run.info.id } : {}),
    ...(endpoint === undefined
      ? {}
      : { MLFLOW_TRACKING_URI: endpoint.url, MLFLOW_TRACKING_TOKEN: endpoint.issue(run.info.id) }),
  };
}

async function beginRun(store: TrackingStore, options: RunCommandOptions): Promise<Run> {
  const { argv, root, user } = options;
  const name = options.experiment ?? readSettings(worktreeTree(root)).record.experiment ?? path.basename(root);
  const found = await store.getExperimentByName(name);
  if (found?.lifecycle === 'deleted') {
    throw new MlopsError('resource_exists', `experiment '${name}' is deleted`, {
      hint: `mlops experiments restore '${name}', or name another one with --experiment`,
    });
  }
  const experimentId = found?.id ?? (await store.createExperiment({ name }));
  const gitRoot = findGitRoot(root);
  const git = gitRoot === undefined ? undefined : gitState(gitRoot);
  const tags: Tag[] = [
    { key: 'mlflow.user', value: user },
    { key: 'mlflow.source.name', value: argv.join(' ') },
    { key: 'mlflow.source.type', value: 'LOCAL' },
    { key: 'mlops.kind', value: 'command' },
  ];
  if (git?.commit !== undefined) tags.push({ key: 'mlflow.source.git.commit', value: git.commit });
  if (git?.branch !== undefined) tags.push({ key: 'mlflow.source.git.branch', value: git.branch });
  if (git !== undefined) tags.push({ key: 'mlops.git.dirty', value: String(git.dirty) });
  const run = await store.createRun({
    experimentId,
    userId: user,
    name: options.name,
    startTime: Date.now(),
    tags: [...tags, ...options.tags],
  });
  await store.artifacts(run.info.artifactUri).put('environment.json', environment(options));
  return run;
}

/** Where and with what it ran. The environment itself stays out: it holds secrets. */
function environment({ argv, cwd, root }: RunCommandOptions): Buffer {
  const facts = {
    command: argv,
    folder: path.relative(root, cwd) || '.',
    host: os.hostname(),
    platform: `${os.platform()} ${os.release()} ${os.arch()}`,
    cpus: os.cpus().length,
    memory_bytes: os.totalmem(),
    node: process.version,
  };
  return Buffer.from(`${JSON.stringify(facts, undefined, 2)}\n`);
}

async function endRun(
  store: TrackingStore,
  run: Run,
  result: CommandResult | undefined,
  output: Uint8Array,
  options: RunCommandOptions,
): Promise<void> {
  const { id, artifactUri } = run.info;
  try {
    if (output.byteLength > 0) await store.artifacts(artifactUri).put('output.txt', output);
    const tags: Tag[] = [];
    if (typeof result?.code === 'number') tags.push({ key: 'mlops.exit_code', value: String(result.code) });
    if (typeof result?.signal === 'string') tags.push({ key: 'mlops.signal', value: result.signal });
    const seconds = result === undefined ? 0 : (result.endedAt - result.startedAt) / 1000;
    await store.logBatch(id, { tags, metrics: [{ key: 'seconds', value: seconds, step: 0, timestamp: Date.now() }] });
    const status = options.signal.aborted || result?.signal ? 'KILLED' : result?.code === 0 ? 'FINISHED' : 'FAILED';
    await store.updateRun(id, { status, endTime: result?.endedAt ?? Date.now() });
  } catch (error) {
    options.onWarning(`the end of the run is not recorded: ${messageOf(error)}`);
  }
}
