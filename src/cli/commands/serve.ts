import * as path from 'node:path';

import { serveModels } from '../../app/serve.ts';
import { openPlace, trackingPlace } from '../../app/tracking-home.ts';
import { messageOf, MlopsError } from '../../base/index.ts';
import type { RunningServer } from '../../serve/index.ts';
import { version } from '../version.ts';
import { serveFlags } from './serve-flags.ts';
import type { Command, Input, Terminal, Verb } from '../command.ts';

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
    ['mlops serve --models-dir models/', 'every model of a folder, loaded when first asked for'],
  ],
  args: [{ name: 'source', summary: 'what to serve', optional: true, variadic: true, completes: 'model' }],
  flags: serveFlags,
  run: (input, terminal) => runServe(input.args, input, terminal),
};

/** Serves until a signal comes. `models serve -m URI` calls this with its one source. */
export async function runServe(sources: readonly string[], input: Input, terminal: Terminal): Promise<number> {
  const place = trackingPlace(terminal.cwd, terminal.env);
  const server = await serveModels({
    sources,
    modelsDir: input.text('models-dir'),
    cwd: terminal.cwd,
    host: input.text('host') ?? '127.0.0.1',
    port: portOf(input),
    openStore: () => openPlace(place, { create: false }),
    threads: input.number('inference-threads'),
    scheduler: {
      maxBatch: input.number('max-batch') ?? 32,
      maxQueue: input.number('max-queue') ?? 256,
      deadline: (input.number('timeout') ?? 30) * 1000,
    },
    bodyLimit: (input.number('max-body') ?? 64) * 1024 * 1024,
    memoryBudget: megabytes(input.number('memory')),
    allowedHosts: listOf(input.text('allowed-hosts')),
    corsOrigins: listOf(input.text('cors-origins')),
    keyFile: path.join(place.root, '.mlops', 'keys.json'),
    auth: input.choice('auth'),
    insecure: input.on('insecure'),
    predictionLog: input.on('log-predictions')
      ? {
          directory: path.join(place.root, '.mlops', 'predictions'),
          sample: (input.number('log-sample') ?? 100) / 100,
          retentionDays: input.number('log-days'),
        }
      : undefined,
    redact: listOf(input.text('log-redact')),
    onAccess: input.on('access-log') ? (entry) => terminal.print(JSON.stringify(entry)) : undefined,
    watch: input.on('watch'),
    serverVersion: version,
    log: terminal.log,
  });
  await refuseNothing(server);
  announce(server, terminal);
  await aborted(terminal.signal);
  terminal.note('stopping: finishing the requests under way');
  const clean = await server.close((input.number('drain') ?? 10) * 1000);
  return clean ? 0 : 1;
}

/** A server whose every model failed to load would answer nothing: it says why and ends. */
async function refuseNothing(server: RunningServer): Promise<void> {
  const [first] = server.failures;
  if (first === undefined || server.failures.length < server.repository.models.size) return;
  await server.close(0);
  throw first.error;
}

function announce(server: RunningServer, terminal: Terminal): void {
  for (const { name, error } of server.failures) {
    terminal.warn(`'${name}' is not served: ${messageOf(error)}`);
    if (error instanceof MlopsError && error.hint !== undefined) terminal.note(`  ${error.hint}`);
  }
  const models = [...server.repository.models.values()];
  const names = models
    .slice(0, 5)
    .map(({ spec, current }) => spec.name + (current === undefined ? '' : ` version ${current.ref.version}`));
  const more = models.length > 5 ? ` and ${models.length - 5} more` : '';
  terminal.note(`Serving ${names.join(', ')}${more} on ${server.listening.url}`);
  terminal.next(`interactive documentation: ${server.listening.url}/docs`, 'stop with Ctrl-C');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function portOf(input: Input): number {
  const port = input.number('port') ?? 5001;
  if (port >= 0 && port <= 65_535) return port;
  throw new MlopsError('usage', `${port} is no port`, { hint: 'ports are 0 to 65535' });
}

function megabytes(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1024 * 1024;
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(',').map((item) => item.trim());
}
