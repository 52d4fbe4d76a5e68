import * as path from 'node:path';

import { backUpStore, fillStore, storeUri, type StoreChoice } from '../../app/runs/back-up-store.ts';
import type { TrackingServer, TrackingServerOptions } from '../../app/endpoint/server.ts';
import { startWatchedServer } from '../../app/usecases/tracking-server.ts';
import { ownPlace } from '../../app/places/tracking-home.ts';
import { formatBytes, MlopsError, type Logger } from '../../base/index.ts';
import { aborted, drainOf, portOf } from '../parse/server-input.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Flags of `server` and `ui`. */
export const serverFlags: readonly FlagSpec[] = [
  {
    name: 'host',
    short: 'h',
    value: 'ADDRESS',
    default: '127.0.0.1',
    summary: 'address to listen on',
    env: 'MLFLOW_HOST',
  },
  {
    name: 'port',
    short: 'p',
    value: 'PORT',
    integer: true,
    default: '5000',
    summary: 'port to listen on; 0 picks a free one',
    env: 'MLFLOW_PORT',
  },
  {
    name: 'backend-store-uri',
    value: 'URI',
    summary: "sqlite:///PATH or postgresql://USER@HOST/DATABASE (default: the project's own, .mlops/mlops.db)",
    env: 'MLFLOW_BACKEND_STORE_URI',
    completes: 'path',
  },
  {
    name: 'artifacts-destination',
    value: 'PLACE',
    summary: 'folder or s3://BUCKET/PREFIX that keeps what clients upload (default: artifacts beside the store)',
    env: 'MLFLOW_ARTIFACTS_DESTINATION',
    completes: 'path',
  },
  { name: 'serve-artifacts', negatable: true, summary: 'keep artifacts for clients (default)' },
  {
    name: 'direct-artifacts',
    summary: 'clients move large files to and from the bucket themselves, at addresses that this server signs',
  },
  {
    name: 'default-artifact-root',
    value: 'URI',
    summary: 'where new experiments keep artifacts, instead of on this server',
    env: 'MLFLOW_DEFAULT_ARTIFACT_ROOT',
  },
  {
    name: 'predictions',
    value: 'DIR',
    summary: 'folder of the prediction log (default: predictions beside the store)',
    completes: 'path',
  },
  {
    name: 'static-prefix',
    value: 'PATH',
    summary: 'path before all pages and calls: /mlflow',
    env: 'MLFLOW_STATIC_PREFIX',
  },
  {
    name: 'allowed-hosts',
    value: 'LIST',
    summary: 'Host names that requests may use, by comma; * for any (default: this machine and private networks)',
    env: 'MLFLOW_SERVER_ALLOWED_HOSTS',
  },
  {
    name: 'cors-allowed-origins',
    value: 'LIST',
    summary: 'web origins whose pages may call, by comma; * for any',
    env: 'MLFLOW_SERVER_CORS_ALLOWED_ORIGINS',
  },
  {
    name: 'durability',
    value: 'LEVEL',
    choices: ['normal', 'full'],
    default: 'normal',
    summary: 'what a 200 survives: normal kill -9, full a power cut too',
  },
  {
    name: 'tls-cert',
    value: 'FILE',
    summary: 'certificate in PEM: speak TLS; read again when it changes',
    completes: 'path',
  },
  { name: 'tls-key', value: 'FILE', summary: 'key of the certificate', completes: 'path' },
  {
    name: 'trusted-proxies',
    value: 'LIST',
    summary: 'proxies whose X-Forwarded headers are believed, by comma: addresses, networks, loopback',
  },
  {
    name: 'rate-limit',
    value: 'N',
    integer: true,
    summary: 'requests a second of one caller or address; bursts of ten times as many',
  },
  {
    name: 'max-requests',
    value: 'N',
    integer: true,
    summary: 'requests under way at once; more are told to come back',
  },
  { name: 'max-connections', value: 'N', integer: true, summary: 'connections at once; more are closed' },
  { name: 'max-artifact-size', value: 'MB', integer: true, summary: 'largest file that clients may keep' },
  { name: 'artifact-quota', value: 'MB', integer: true, summary: 'what all files of one experiment may take' },
  {
    name: 'log-format',
    value: 'FORMAT',
    choices: ['text', 'json'],
    default: 'text',
    summary: 'text for people (with -v), json for machines: a line for each request, with its id',
  },
  {
    name: 'app-name',
    value: 'APP',
    summary: 'basic-auth asks who calls: users, tokens and permissions, as MLflow has them',
  },
  { name: 'insecure', summary: 'allow an address that other machines can reach, without authentication' },
  { name: 'drain', value: 'SECONDS', integer: true, default: '10', summary: 'time to finish requests when stopping' },
];

export const verb: Verb & Command = {
  name: 'server',
  owner: 'mlflow',
  summary: 'Run the tracking server for MLflow clients',
  description:
    'Speaks the protocol of MLflow 3 and 2: set MLFLOW_TRACKING_URI to the address that is printed and leave your code as it is. Without flags it serves what this project has recorded. SIGTERM and Ctrl-C stop it gracefully.',
  examples: [
    ['mlops server', 'the runs and models of this project on http://127.0.0.1:5000'],
    [
      'mlops server --backend-store-uri sqlite:////srv/mlops/mlops.db -p 8080',
      'a store of its own, outside any project',
    ],
    ['mlops server --host 0.0.0.0 --insecure', 'for a trusted network'],
    [
      'mlops server --backend-store-uri postgresql://mlops@db.example/mlops',
      'a store in PostgreSQL, shared by several servers',
    ],
    ['mlops server backup /backups/mlops-monday.db', 'a consistent copy of the store while it is used'],
    [
      'mlops server import .mlops/mlops.db --backend-store-uri postgresql://mlops@db.example/mlops',
      'move a store into PostgreSQL',
    ],
    ['mlops server db status', 'whether the tables are those that this program knows'],
  ],
  args: [
    {
      name: 'action',
      summary:
        '`backup FILE` copies the store, also while a server uses it; `import FROM` fills an empty store with all of another or of a backup, `export TO` fills another; `db status|upgrade|check` looks at the tables',
      optional: true,
      choices: ['backup', 'import', 'export', 'db'],
    },
    {
      name: 'place',
      summary: 'the file or store of the action, or what to do with the tables',
      optional: true,
      completes: 'path',
    },
  ],
  flags: serverFlags,
  run: (input, terminal) => {
    const [action] = input.args;
    if (action === undefined) return runServer(input, terminal);
    return (actions[action] ?? runServer)(input, terminal);
  },
};

const actions: Readonly<Record<string, (input: Input, terminal: Terminal) => Promise<number>>> = {
  backup,
  import: (input, terminal) => copyWhole(input, terminal, 'import'),
  export: (input, terminal) => copyWhole(input, terminal, 'export'),
  db: tablesOf,
};

function storeOf(input: Input, terminal: Terminal): StoreChoice {
  return {
    place: ownPlace(terminal.cwd, terminal.env),
    cwd: terminal.cwd,
    backend: input.text('backend-store-uri'),
    env: terminal.env,
  };
}

async function backup(input: Input, terminal: Terminal): Promise<number> {
  const [, file] = input.args;
  if (file === undefined) {
    throw new MlopsError('usage', 'back up into which file?', { hint: 'mlops server backup FILE' });
  }
  const copied = await backUpStore({ ...storeOf(input, terminal), file: path.resolve(terminal.cwd, file) });
  terminal.print(`${file}: ${formatBytes(copied)}`);
  terminal.next(`artifacts are plain files beside the store: copy that folder too`);
  return 0;
}

async function copyWhole(input: Input, terminal: Terminal, way: 'import' | 'export'): Promise<number> {
  const [, other] = input.args;
  if (other === undefined) {
    throw new MlopsError('usage', `${way} ${way === 'import' ? 'from' : 'to'} which store?`, {
      hint: `mlops server ${way} FILE or postgresql://USER@HOST/DATABASE`,
    });
  }
  const own = storeOf(input, terminal);
  if (way === 'import') await fillStore({ ...own, from: other });
  else await fillStore({ ...own, backend: other, from: storeUri(own) });
  terminal.note(`everything is there, with its ids; artifacts are files of their own: copy that folder too`);
  return 0;
}

async function tablesOf(input: Input, terminal: Terminal): Promise<number> {
  const [, what = 'status'] = input.args;
  if (!['status', 'upgrade', 'check'].includes(what)) {
    throw new MlopsError('usage', `'${what}' is nothing to do with tables`, { hint: 'status, upgrade or check' });
  }
  const uri = storeUri(storeOf(input, terminal));
  const { openTracking, schemaReport } = await import('../../tracking/index.ts');
  let problems: readonly string[] = [];
  if (what !== 'status') {
    const store = await openTracking(uri, { env: terminal.env });
    try {
      if (what === 'check') problems = await store.problems();
    } finally {
      await store.close();
    }
  }
  const { url, version, known, usable } = await schemaReport(uri, terminal.env);
  terminal.print(`${url}: step ${version} of ${known}${version > known ? ' (made by a newer mlops)' : ''}`);
  for (const problem of problems) terminal.warn(problem);
  if (what === 'check' && problems.length === 0) terminal.print('all is well');
  return usable && problems.length === 0 ? 0 : 1;
}

async function runServer(input: Input, terminal: Terminal): Promise<number> {
  const server = await startServer(input, terminal);
  terminal.note(`Tracking server on ${server.url} (${server.store.url})`);
  terminal.next(`export MLFLOW_TRACKING_URI=${server.url}`, 'stop with Ctrl-C');
  return untilStopped(server, input, terminal);
}

export async function startServer(input: Input, terminal: Terminal): Promise<TrackingServer> {
  const host = input.text('host') ?? '127.0.0.1';
  const insecure = input.on('insecure');
  const server = await startWatchedServer({
    place: ownPlace(terminal.cwd, terminal.env),
    cwd: terminal.cwd,
    host,
    port: portOf(input, 5000),
    backend: input.text('backend-store-uri'),
    artifacts: input.text('artifacts-destination'),
    directArtifacts: input.on('direct-artifacts'),
    serveArtifacts: input.choice('serve-artifacts'),
    defaultArtifactRoot: input.text('default-artifact-root'),
    predictions: input.text('predictions'),
    prefix: input.text('static-prefix'),
    allowedHosts: listOf(input.text('allowed-hosts')),
    allowedOrigins: listOf(input.text('cors-allowed-origins')),
    durability: input.text('durability') === 'full' ? 'full' : 'normal',
    insecure,
    tls: tlsOf(input),
    trustedProxies: listOf(input.text('trusted-proxies')),
    limits: {
      rate: positive(input, 'rate-limit'),
      requests: positive(input, 'max-requests'),
      connections: positive(input, 'max-connections'),
    },
    artifactLimits: { size: megabytes(input, 'max-artifact-size'), quota: megabytes(input, 'artifact-quota') },
    onAccess: input.text('log-format') === 'json' ? jsonLog(terminal) : accessLog(terminal.log),
    appName: input.text('app-name'),
    onFirstToken: (token) => {
      terminal.note(`There was no administrator yet: 'admin' may sign in with this token for a day.`);
      terminal.note(`MLFLOW_TRACKING_TOKEN=${token}`);
      terminal.next(`set MLFLOW_AUTH_ADMIN_PASSWORD before the first start, or give the user a password`);
    },
    env: terminal.env,
    log: terminal.log,
  });
  if (insecure && !['127.0.0.1', 'localhost', '::1'].includes(host)) {
    terminal.warn(
      `anyone who can reach ${host}:${server.listening.port} can read, change and delete everything here: there is no authentication`,
    );
  }
  return server;
}

function tlsOf(input: Input): TrackingServerOptions['tls'] {
  const [cert, key] = [input.text('tls-cert'), input.text('tls-key')];
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw new MlopsError('usage', 'TLS needs both a certificate and its key', { hint: '--tls-cert FILE --tls-key FILE' });
}

/** Bytes of a flag in MB. */
function megabytes(input: Input, name: string): number | undefined {
  const value = positive(input, name);
  return value === undefined ? undefined : value * 2 ** 20;
}

function positive(input: Input, name: string): number | undefined {
  const value = input.number(name);
  if (value === undefined || value > 0) return value;
  throw new MlopsError('usage', `--${name} ${value} would let nothing through`, { hint: 'leave it out for no limit' });
}

/** One JSON object for each request, in the order in which they end. Queries stay out: they may hold secrets. */
function jsonLog(terminal: Terminal): TrackingServerOptions['onAccess'] {
  return ({ id, method, path: target, status, milliseconds, bytes, remote, caller, trace }) => {
    const [route = ''] = target.split('?', 1);
    const time = new Date().toISOString();
    terminal.note(
      JSON.stringify({
        time,
        level: 'info',
        id,
        method,
        path: route,
        status,
        ms: milliseconds,
        bytes,
        remote,
        caller,
        trace,
      }),
    );
  };
}

/** A line for each request; nothing to call, which is faster, where nobody sees it. */
function accessLog(log: Logger): TrackingServerOptions['onAccess'] {
  if (log.level === 'error' || log.level === 'warn') return undefined;
  return ({ method, path: target, status, milliseconds, remote }) =>
    log.info(`${remote} ${method} ${target} ${status} ${milliseconds} ms`);
}

export async function untilStopped(server: TrackingServer, input: Input, terminal: Terminal): Promise<number> {
  await aborted(terminal.signal);
  terminal.note('stopping: finishing the requests under way');
  return (await server.close(drainOf(input))) ? 0 : 1;
}

function listOf(text: string | undefined): readonly string[] | undefined {
  const items = text?.split(',').map((item) => item.trim());
  return items?.filter((item) => item !== '');
}
