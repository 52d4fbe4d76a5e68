import { hostGuard, registerMlflowApi } from '../../api/index.ts';
import { MlopsError, type Logger } from '../../base/index.ts';
import { createShell, listen, mlflowErrorBody, type Verifier } from '../../http/index.ts';
import type { NewRun, TrackingStore } from '../../tracking/index.ts';
import { createTokens, type EndpointTokens } from './endpoint-tokens.ts';

export interface TrackingEndpointOptions {
  /** Stays open when the endpoint closes. */
  readonly store: TrackingStore;
  /** Who may call; new ones when absent. */
  readonly tokens?: EndpointTokens | undefined;
  readonly log?: Logger | undefined;
}

export interface TrackingEndpoint {
  /** Value of MLFLOW_TRACKING_URI: loopback, a free port. */
  readonly url: string;
  /** Makes a token, the value of MLFLOW_TRACKING_TOKEN: runs that its holder starts become children of the run. */
  issue(parentRunId: string): string;
  /** The token is good no longer. */
  revoke(token: string): void;
  close(): Promise<void>;
}

/**
 * MLflow's protocol inside this process, for commands that it starts. Only holders of a token are answered, so
 * that other users of the machine cannot write into the store.
 */
export async function startTrackingEndpoint(options: TrackingEndpointOptions): Promise<TrackingEndpoint> {
  const { store, tokens = createTokens() } = options;
  const verify: Verifier = ({ headers }) => {
    const [, token = ''] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
    const parent = tokens.parentOf(token);
    if (parent === undefined) {
      throw new MlopsError('unauthorized', 'this endpoint belongs to a running command, which has the token');
    }
    return { name: parent, scopes: ['read', 'write'] };
  };
  const shell = await createShell({ errors: mlflowErrorBody, screen: hostGuard(), verify, log: options.log });
  registerMlflowApi(shell, { store, shapeRun: (run, caller) => withParent(run, caller?.name) });
  const listening = await listen(shell, { host: '127.0.0.1', port: 0 });
  return {
    url: listening.url,
    issue: tokens.issue,
    revoke: tokens.revoke,
    close: async () => void (await listening.close(2_000)),
  };
}

/** A run that names a parent of its own (nested runs of a script) keeps it. */
function withParent(run: NewRun, parent: string | undefined): NewRun {
  const { tags = [] } = run;
  if (parent === undefined || tags.some((tag) => tag.key === 'mlflow.parentRunId')) return run;
  return { ...run, tags: [...tags, { key: 'mlflow.parentRunId', value: parent }] };
}
