import { startTrackingServer, type TrackingServer, type TrackingServerOptions } from '../endpoint/server.ts';
import { addMonitorRoutes } from '../monitor/routes.ts';

export type WatchedServerOptions = Omit<TrackingServerOptions, 'extend'>;

/** The tracking server together with what the prediction log beside it tells. */
export function startWatchedServer(options: WatchedServerOptions): Promise<TrackingServer> {
  return startTrackingServer({
    ...options,
    extend: (shell, { predictions, prefix }) => {
      addMonitorRoutes(shell, { log: predictions, prefix, scope: 'read', alerts: async () => [] });
    },
  });
}
