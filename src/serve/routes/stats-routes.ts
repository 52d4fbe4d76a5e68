import type { Shell } from '../../http/index.ts';
import type { Control } from '../cluster/control.ts';
import { metricsPage } from '../numbers/metrics.ts';
import type { VersionSnapshot } from '../numbers/snapshot.ts';
import { VersionStats } from '../running/stats.ts';

/**
 * `/stats` for people and scripts, `/metrics` for Prometheus; both of all processes of the server.
 * @param more metrics that are not the serving's own, in Prometheus' text format.
 */
export function addStatsRoutes(shell: Shell, control: Control, more?: () => Promise<string>): void {
  shell.get('/metrics', async (_request, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return metricsPage(await control.snapshot()) + ((await more?.()) ?? '');
  });
  shell.get('/stats', { config: { scope: 'predict' } }, async () => {
    const snapshot = await control.snapshot();
    return {
      uptime_seconds: Math.round((Date.now() - snapshot.process.started) / 1000),
      workers: snapshot.workers,
      pending: snapshot.pending,
      prediction_log: snapshot.log ?? null,
      models: snapshot.versions.map(describe),
    };
  });
}

function describe(version: VersionSnapshot) {
  const stats = new VersionStats();
  stats.add(version.stats);
  const milliseconds = (q: number): number | null => {
    const value = stats.latency.quantile(q);
    return value === undefined ? null : Math.round(value * 1e6) / 1000;
  };
  const { count } = stats.latency;
  return {
    model: version.model,
    model_version: version.version,
    ...(version.arm === undefined ? {} : { arm: version.arm }),
    loaded: version.loaded,
    requests: { success: stats.success, failure: stats.failure - stats.rejected, rejected: stats.rejected },
    rows: stats.inferences,
    mean_batch: stats.executions === 0 ? null : Math.round((stats.inferences / stats.executions) * 100) / 100,
    latency_ms: {
      mean: count === 0 ? null : Math.round((stats.latency.sum / count) * 1e6) / 1000,
      p50: milliseconds(0.5),
      p95: milliseconds(0.95),
      p99: milliseconds(0.99),
    },
    answers: answersOf(stats),
  };
}

function answersOf({ answers }: VersionStats) {
  if (answers.labels.size > 0) {
    const labels = [...answers.labels].sort((a, b) => b[1] - a[1]);
    return { labels: Object.fromEntries(labels), ...(answers.other > 0 ? { other: answers.other } : {}) };
  }
  if (answers.count === 0) return null;
  const { count, mean, deviation, min, max } = answers;
  return { count, mean, deviation, min, max };
}
