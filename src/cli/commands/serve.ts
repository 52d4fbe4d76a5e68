import * as os from 'node:os';
import * as path from 'node:path';

import { readPublicKeys, trustedKeys } from '../../app/registry/model-signature.ts';
import { serveModels, type ServeModelsOptions, type ServeRuntime } from '../../app/usecases/serve.ts';
import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { messageOf, MlopsError, silentLogger } from '../../base/index.ts';
import { Member, superviseServers, type RunningServer } from '../../serve/index.ts';
import { privateFile, privateFolder, privateSubfolder } from '../../trust/index.ts';
import { version } from '../parse/version.ts';
import { pythonOf, serveFlags } from './serve-flags.ts';
import { aborted, drainOf, portOf } from '../parse/server-input.ts';
import type { Command, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const verb: Verb & Command = {
  name: 'serve',
  owner: 'mlops',
  summary: 'Serve ONNX models over HTTP',
  description:
    'SOURCE is models:/NAME/STAGE, models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/PATH, a model folder or an .onnx file; NAME=SOURCE serves it under another name. Speaks its own JSON protocol (/predict), MLflow (/invocations) and the Open Inference Protocol (/v2). SIGTERM and Ctrl-C stop it gracefully.',
  examples: [
    ['mlops serve models:/digits/Production', 'the production version on http://127.0.0.1:5001'],
    ['mlops serve model.onnx -p 8080', 'a file'],
    ['mlops serve a=one.onnx b=models:/two@champion', 'two models'],
    ['mlops serve --models-dir models/ --watch', 'every model of a folder, also those that come later'],
    ['mlops serve model.onnx --workers 4', 'four processes on one port, for more cores'],
  ],
  args: [{ name: 'source', summary: 'what to serve', optional: true, variadic: true, completes: 'model' }],
  flags: serveFlags,
  run: (input, terminal) => runServe(input.args, input, terminal),
};

/** Serves until a signal comes. `models serve -m URI` calls this with its one source. */
export async function runServe(sources: readonly string[], input: Input, terminal: Terminal): Promise<number> {
  const workers = workersOf(input);
  if (workers === 1) {
    const server = await serveModels(optionsOf(sources, input, terminal));
    return serveUntilStopped(server, input, terminal);
  }
  const stop = new AbortController();
  const member = await Member.join(() => stop.abort());
  if (member === undefined) return supervise(workers, input, terminal);
  return serveAsMember(member, sources, input, terminal, AbortSignal.any([terminal.signal, stop.signal]));
}

async function serveUntilStopped(server: RunningServer, input: Input, terminal: Terminal): Promise<number> {
  await refuseNothing(server);
  for (const { name, error } of server.failures) tellFailure(name, error, terminal);
  tellPython(server, terminal);
  announce(modelsOf(server), server.listening.url, terminal);
  if (server.grpcPort !== undefined)
    terminal.note(`gRPC on ${new URL(server.listening.url).hostname}:${server.grpcPort}`);
  await aborted(terminal.signal);
  terminal.note('stopping: finishing the requests under way');
  return closeServer(server, input, terminal);
}

async function closeServer(server: RunningServer, input: Input, terminal: Terminal): Promise<number> {
  if (await server.close(drainOf(input))) return 0;
  if (!server.pool.stuck) return 1;
  terminal.warn('a model is still computing and cannot be stopped: the process ends by force');
  process.kill(process.pid, 'SIGKILL');
  return 1;
}

/** This process keeps the others, which are this program again with the same words. */
async function supervise(workers: number, input: Input, terminal: Terminal): Promise<number> {
  const server = await superviseServers({
    workers,
    host: input.text('host') ?? '127.0.0.1',
    port: portOf(input, 5001),
    predictionLog: predictionLogOf(input, terminal),
    log: terminal.log,
  });
  const { models, failures, url } = server;
  for (const { name, error } of failures) tellFailure(name, error, terminal);
  announce(models, url, terminal, ` in ${workers} processes`);
  await aborted(terminal.signal);
  terminal.note('stopping: finishing the requests under way');
  return (await server.close(drainOf(input))) ? 0 : 1;
}

/** One of several processes: what it has to say, it says to the one that keeps it. */
async function serveAsMember(
  member: Member,
  sources: readonly string[],
  input: Input,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  // All load the same: one of them tells.
  const log = member.state.place === 0 ? terminal.log : silentLogger;
  let server: RunningServer;
  try {
    server = await serveModels({ ...optionsOf(sources, input, terminal), member, log });
    await refuseNothing(server);
  } catch (error) {
    await member.failed(error);
    return 1;
  }
  await member.ready(server);
  await aborted(signal);
  return closeServer(server, input, terminal);
}

/** Those of --signing-key and of mlops.yaml; without any of them nothing could be served. */
function signersOf(input: Input, terminal: Terminal): ServeModelsOptions['signers'] {
  const named = readPublicKeys(input.list('signing-key'), terminal.cwd);
  if (!input.on('require-signed') && named.length === 0) return undefined;
  const keys = [...named, ...trustedKeys(terminal.cwd)];
  if (keys.length > 0) return keys;
  throw new MlopsError('usage', '--require-signed needs the public keys that are trusted', {
    hint: 'name them with --signing-key FILE, or in mlops.yaml: signing: {keys: [release.pub]}',
  });
}

function optionsOf(sources: readonly string[], input: Input, terminal: Terminal): ServeModelsOptions {
  const place = trackingPlace(terminal.cwd, terminal.env);
  return {
    sources,
    modelsDir: input.text('models-dir'),
    cwd: terminal.cwd,
    env: terminal.env,
    host: input.text('host') ?? '127.0.0.1',
    port: portOf(input, 5001),
    openStore: () => openPlace(place, { create: false, signal: terminal.signal }),
    threads: input.number('inference-threads') ?? threadsOf(workersOf(input)),
    scheduler: {
      maxBatch: input.number('max-batch') ?? 32,
      maxQueue: input.number('max-queue') ?? 256,
      deadline: (input.number('timeout') ?? 30) * 1000,
    },
    grpc: grpcOf(input, terminal),
    bodyLimit: (input.number('max-body') ?? 64) * 1024 * 1024,
    memoryBudget: megabytes(input.number('memory')),
    allowedHosts: listOf(input.text('allowed-hosts')),
    corsOrigins: listOf(input.text('cors-origins')),
    keyFile: privateFile(privateFolder(place.root), 'keys.json'),
    auth: input.choice('auth'),
    insecure: input.on('insecure'),
    signers: signersOf(input, terminal),
    predictionLog: predictionLogOf(input, terminal),
    redact: listOf(input.text('log-redact')),
    onAccess: input.on('access-log') ? (entry) => terminal.print(JSON.stringify(entry)) : undefined,
    onChange: (line) => terminal.note(line),
    watch: input.on('watch'),
    serverVersion: version,
    runtime: runtimeOf(input, terminal),
    log: terminal.log,
  };
}

/** `models serve` gives `auto`: as MLflow, it runs what is in the registry. */
function runtimeOf(input: Input, terminal: Terminal): ServeRuntime {
  const limit = megabytes(input.number('python-memory'));
  const manager = input.text('env-manager') === 'uv' ? 'uv' : 'local';
  return {
    kind: (input.text('runtime') ?? 'onnx') as ServeRuntime['kind'],
    trust: input.on('trust'),
    python: { python: pythonOf(input, terminal), manager, env: terminal.env, memoryLimit: limit },
  };
}

function grpcOf(input: Input, terminal: Terminal): ServeModelsOptions['grpc'] {
  const [certificate, key] = [input.text('grpc-cert'), input.text('grpc-key')];
  if (input.number('grpc-port') === undefined) {
    if (certificate === undefined && key === undefined) return undefined;
    throw new MlopsError('usage', '--grpc-cert and --grpc-key are for --grpc-port PORT');
  }
  const port = portOf(input, 0, 'grpc-port');
  if (certificate === undefined && key === undefined) return { port };
  if (certificate === undefined || key === undefined) {
    throw new MlopsError('usage', 'TLS for gRPC needs both --grpc-cert FILE and --grpc-key FILE');
  }
  const place = (file: string): string => path.resolve(terminal.cwd, file);
  return { port, tls: { certificate: place(certificate), key: place(key) } };
}

function predictionLogOf(input: Input, terminal: Terminal): ServeModelsOptions['predictionLog'] {
  if (!input.on('log-predictions')) return undefined;
  const gibibytes = input.number('log-size');
  return {
    directory: privateSubfolder(privateFolder(trackingPlace(terminal.cwd, terminal.env).root), 'predictions', {
      make: true,
    }),
    sample: (input.number('log-sample') ?? 100) / 100,
    retentionDays: input.number('log-days'),
    maxBytes: megabytes(gibibytes === undefined ? undefined : gibibytes * 1024),
    // The rate is that of the server: each process has its share.
    maxPerSecond: Math.ceil(predictionsPerSecond / workersOf(input)),
  };
}

/** More predictions than this are not logged in one second. */
const predictionsPerSecond = 5_000;

function workersOf(input: Input): number {
  const workers = input.number('workers') ?? 1;
  if (workers >= 1 && workers <= 256) return workers;
  throw new MlopsError('usage', `${workers} is no number of processes`, { hint: '--workers takes 1 to 256' });
}

/** Inference threads of each of several processes; one process alone knows its default. */
function threadsOf(workers: number): number | undefined {
  return workers === 1 ? undefined : Math.max(1, Math.floor((os.availableParallelism() - 1) / workers));
}

/** A server whose every model failed to load would answer nothing: it says why and ends. */
async function refuseNothing(server: RunningServer): Promise<void> {
  const [first] = server.failures;
  if (first === undefined || server.failures.length < server.repository.models.size) return;
  await server.close(0);
  throw first.error;
}

function tellFailure(name: string, error: unknown, terminal: Terminal): void {
  terminal.warn(`'${name}' is not served: ${messageOf(error)}`);
  if (error instanceof MlopsError && error.hint !== undefined) terminal.note(`  ${error.hint}`);
}

function tellPython({ repository }: RunningServer, terminal: Terminal): void {
  for (const { spec, current } of repository.models.values()) {
    if (current?.python !== undefined) terminal.note(`'${spec.name}' runs in Python`);
  }
}

interface Announced {
  readonly name: string;
  readonly version: string | undefined;
}

function modelsOf({ repository }: RunningServer): Announced[] {
  return [...repository.models.values()].map(({ spec, current }) => ({
    name: spec.name,
    version: current?.ref.version,
  }));
}

function announce(models: readonly Announced[], url: string, terminal: Terminal, how = ''): void {
  const names = models
    .slice(0, 5)
    .map(({ name, version: number }) => name + (number === undefined ? '' : ` version ${number}`));
  const more = models.length > 5 ? ` and ${models.length - 5} more` : '';
  terminal.note(`Serving ${names.join(', ') || 'no model yet'}${more} on ${url}${how}`);
  terminal.next(`try it: ${url}/playground`, `interactive documentation: ${url}/docs`, 'stop with Ctrl-C');
}

function megabytes(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1024 * 1024;
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(',').map((item) => item.trim());
}
