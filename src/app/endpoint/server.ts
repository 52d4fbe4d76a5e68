import * as https from 'node:https';
import type * as net from 'node:net';
import * as path from 'node:path';

import {
  addAccess,
  addPredictionRoutes,
  guardedStore,
  hostGuard,
  tidyTarget,
  registerMlflowApi,
  registerWebUi,
  wrongAddress,
  type ArtifactLimits,
  type DeliveryOptions,
} from '../../api/index.ts';
import { MlopsError, type Logger } from '../../base/index.ts';
import {
  createShell,
  followTls,
  isLoopback,
  listen,
  mlflowErrorBody,
  readTls,
  RequestMetrics,
  type AccessEntry,
  type Listening,
  type Shell,
  type TlsFiles,
  type TrafficLimits,
} from '../../http/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { privateFolder } from '../../trust/index.ts';
import { openAccess } from './access.ts';
import { openServedStore, resolveBackend, type ServedPlaces } from './served-store.ts';

export interface TrackingServerOptions extends ServedPlaces {
  readonly host: string;
  readonly port: number;
  /** Folder of the prediction log. Default: `predictions` beside the store. */
  readonly predictions?: string | undefined;
  readonly prefix?: string | undefined;
  readonly allowedHosts?: readonly string[] | undefined;
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Certificate and key in PEM, read again when they change. */
  readonly tls?: TlsFiles | undefined;
  /** Proxies whose X-Forwarded headers are believed: addresses, networks, `loopback`. Default none. */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly limits?: TrafficLimits | undefined;
  /** `basic-auth`: asks who calls. Also where users exist already. */
  readonly appName?: string | undefined;
  /** Told the token of the first administrator, when no password was given for one. */
  readonly onFirstToken?: ((token: string) => void) | undefined;
  readonly artifactLimits?: ArtifactLimits | undefined;
  /** Allows an address that other machines reach. */
  readonly insecure?: boolean | undefined;
  /** Largest JSON body, in bytes. Default 64 MiB. Artifacts are not bounded. */
  readonly bodyLimit?: number | undefined;
  readonly onAccess?: ((entry: AccessEntry) => void) | undefined;
  /** Told of every route, as `GET /path/:param`. */
  readonly onRoute?: ((route: string) => void) | undefined;
  /** Adds routes that are not the tracking's own. */
  readonly extend?: ((shell: Shell, facts: ServerFacts) => void) | undefined;
  readonly log: Logger;
}

/** What further routes are told of the server. */
export interface ServerFacts {
  /** What was asked of this server, and what it asked of its store, as Prometheus reads it. */
  readonly gauges: () => string;
  readonly store: TrackingStore;
  /** Folder of the prediction log. */
  readonly predictions: string;
  readonly prefix: string;
}

export interface TrackingServer {
  readonly listening: Listening;
  /** `http://127.0.0.1:5000/prefix`: what MLFLOW_TRACKING_URI is set to. */
  readonly url: string;
  readonly store: TrackingStore;
  /** Finishes what is under way, up to a deadline in milliseconds, and closes the store. */
  close(deadline?: number): Promise<boolean>;
}

/** Uploads of large models over slow lines are requests too. */
const requestTimeout = 6 * 60 * 60 * 1000;

/**
 * Starts the tracking server: MLflow's protocol and a few pages to look at.
 *
 * @throws MlopsError `usage` for an open address without `insecure`, `port_in_use`, `invalid_value` for a store
 *   that is not ours (with the way to migrate).
 */
export async function startTrackingServer(options: TrackingServerOptions): Promise<TrackingServer> {
  const { prefix = '', host, log } = options;
  if (prefix !== '' && !/^(?:\/[\w.~-]+)+$/.test(prefix)) {
    throw new MlopsError('usage', `'${prefix}' is no path prefix`, { hint: 'it starts with a slash and ends without' });
  }
  const pair = options.tls === undefined ? undefined : readTls(options.tls);
  const metrics = new RequestMetrics();
  const store = await openServedStore(options);
  try {
    const access = await openAccess(store, { appName: options.appName, env: options.env ?? {} });
    if (access === undefined) refuseOpenAddress(options);
    const shell = await createShell({
      errors: mlflowErrorBody,
      bodyLimit: options.bodyLimit,
      requestTimeout,
      screen: hostGuard({ allowedHosts: options.allowedHosts, allowedOrigins: options.allowedOrigins, prefix }),
      rewrite: tidyTarget,
      notFound: wrongAddress(prefix),
      onAccess: options.onAccess,
      tls: pair,
      trustedProxies: options.trustedProxies,
      limits: options.limits,
      metrics,
      log,
    });
    const connections = countConnections(shell);
    const { onRoute } = options;
    if (onRoute !== undefined) {
      shell.addHook('onRoute', ({ method, url }) => [method].flat().forEach((one) => onRoute(`${one} ${url}`)));
    }
    const served = access === undefined ? store : guardedStore(store, access.door);
    if (access !== undefined) {
      addAccess(shell, { ...access, store, prefix, log });
      if (access.firstToken !== undefined) options.onFirstToken?.(access.firstToken);
    }
    registerMlflowApi(shell, {
      store: served,
      prefix,
      serveArtifacts: options.serveArtifacts,
      artifactLimits: options.artifactLimits,
      webhooks: webhookDelivery(options),
    });
    const predictions = predictionsOf(options);
    addPredictionRoutes(shell, { directory: predictions, prefix, onTrouble: (line) => log.warn(line) });
    const gauges = (): string => metrics.text(connections()) + (store.gauges?.() ?? '');
    options.extend?.(shell, { store, predictions, prefix, gauges });
    registerWebUi(shell, { store: served, prefix });
    const { tls } = options;
    if (tls !== undefined) {
      const unfollow = followTls(shell.server as https.Server, tls, (line) => log.warn(line));
      shell.addHook('onClose', async () => unfollow());
    }
    return running(await listen(shell, { host, port: options.port }), store, prefix);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** How many connections are open at the moment. */
function countConnections(shell: Shell): () => number {
  let open = 0;
  shell.server.on(shell.server instanceof https.Server ? 'secureConnection' : 'connection', (socket: net.Socket) => {
    open++;
    socket.once('close', () => open--);
  });
  return () => open;
}

/** The prediction log lies beside the store; for one that is no file, in the folder where the server was started. */
function predictionsOf({ predictions, backend, place, cwd }: TrackingServerOptions): string {
  if (predictions !== undefined) return path.resolve(cwd, predictions);
  const uri = backend === undefined ? place.uri : resolveBackend(backend, cwd);
  const isFile = !/^[a-z][a-z0-9+.-]+:/i.test(uri);
  return isFile ? path.join(path.dirname(uri), 'predictions') : path.join(privateFolder(cwd), 'predictions');
}

/** By the environment variables that MLflow's server has for it. */
function webhookDelivery({ env = {}, log }: TrackingServerOptions): DeliveryOptions {
  const number = (name: string, fallback: number): number => {
    const value = Number(env[name] ?? fallback);
    return Number.isFinite(value) && value >= 0 ? value : fallback;
  };
  const schemes = (env['MLFLOW_WEBHOOK_ALLOWED_SCHEMES'] ?? 'https').split(',').map((scheme) => scheme.trim());
  return {
    schemes,
    allowPrivate: ['true', '1'].includes((env['MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS'] ?? '').toLowerCase()),
    retries: number('MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES', 3),
    timeout: number('MLFLOW_WEBHOOK_REQUEST_TIMEOUT', 30) * 1000,
    log,
  };
}

function running(listening: Listening, store: TrackingStore, prefix: string): TrackingServer {
  return {
    listening,
    url: listening.url + prefix,
    store,
    close: async (deadline) => {
      const clean = await listening.close(deadline);
      await store.close();
      return clean;
    },
  };
}

function refuseOpenAddress({ host, insecure }: TrackingServerOptions): void {
  if (isLoopback(host) || insecure === true) return;
  throw new MlopsError('usage', `this server has no authentication, and on ${host} other machines could reach it`, {
    hint: 'add --app-name basic-auth to ask who calls, or --insecure if the network keeps strangers away',
  });
}
