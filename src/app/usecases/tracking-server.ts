import { startTrackingServer, type TrackingServer, type TrackingServerOptions } from '../endpoint/server.ts';
import { monitorFacts } from '../alerting/monitor-facts.ts';
import { addMonitorRoutes } from '../monitor/routes.ts';

export type WatchedServerOptions = Omit<TrackingServerOptions, 'extend'>;

/** The tracking server together with what the prediction log beside it tells. */
export function startWatchedServer(options: WatchedServerOptions): Promise<TrackingServer> {
  return startTrackingServer({
    ...options,
    extend: (shell, { store, predictions: log, prefix }) => {
      const { cwd, env = {} } = options;
      const facts = monitorFacts({ cwd, env, log, openStore: async () => store, alertStore: store });
      addMonitorRoutes(shell, { log, prefix, scope: 'read', facts });
    },
  });
}
