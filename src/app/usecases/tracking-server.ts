import { startTrackingServer, type TrackingServer, type TrackingServerOptions } from '../endpoint/server.ts';
import { monitorFacts } from '../alerting/monitor-facts.ts';
import { addMonitorRoutes } from '../monitor/routes.ts';

export type WatchedServerOptions = Omit<TrackingServerOptions, 'extend'>;

/** The tracking server together with what the prediction log beside it tells. */
export function startWatchedServer(options: WatchedServerOptions): Promise<TrackingServer> {
  return startTrackingServer({
    ...options,
    extend: (shell, { store, predictions: log, prefix, gauges }) => {
      const { cwd, env = {} } = options;
      const facts = monitorFacts({ cwd, env, log, openStore: async () => store, alertStore: store });
      addMonitorRoutes(shell, { log, prefix, scope: 'read', facts });
      shell.get(`${prefix}/metrics`, async (_request, reply) => {
        void reply.type('text/plain; version=0.0.4; charset=utf-8');
        return processGauges() + gauges() + (await facts.gauges());
      });
    },
  });
}

/** This process in the names that Prometheus' client libraries use. */
function processGauges(): string {
  const { user, system } = process.cpuUsage();
  const facts = [
    ['process_cpu_seconds_total', 'counter', 'User and system CPU time.', (user + system) / 1e6],
    ['process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss()],
    [
      'process_start_time_seconds',
      'gauge',
      'Start of the process since the epoch.',
      Date.now() / 1000 - process.uptime(),
    ],
  ] as const;
  return facts
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}
