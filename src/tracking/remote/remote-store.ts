import type { TrackingStore } from '../store.ts';
import { RemoteClient, type RemoteOptions } from './client.ts';
import { remoteArtifacts } from './remote-artifacts.ts';
import { remoteLoggedModels, remoteModels, remoteVersions } from './remote-models.ts';
import { remoteStudies } from './remote-studies.ts';
import { remoteTraces } from './remote-traces.ts';
import { remoteTraffic } from './remote-traffic.ts';
import { remoteWebhooks } from './remote-webhooks.ts';
import { unserved } from './unserved.ts';
import { remoteExperiments, remoteRuns } from './remote-runs.ts';

/** The remote kind: any server that speaks MLflow's REST protocol, ours or MLflow's own. */
export function remoteStore(uri: string, options: RemoteOptions = {}): TrackingStore {
  const client = new RemoteClient(uri, options);
  const runs = remoteRuns(client);
  return {
    kind: 'remote',
    url: client.url,
    artifacts: (artifactUri) => remoteArtifacts(client, artifactUri),
    ...remoteExperiments(client),
    ...runs,
    ...remoteLoggedModels(client),
    ...remoteModels(client),
    ...remoteVersions(client),
    ...unserved(client.url),
    traces: remoteTraces(client, runs),
    webhooks: remoteWebhooks(client),
    studies: remoteStudies(client),
    traffic: remoteTraffic(client),
    close: async () => undefined,
  };
}
