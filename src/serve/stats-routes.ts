import type { Shell } from '../http/index.ts';
import { metricsPage, type MetricsSources } from './metrics.ts';
import type { ServedVersion } from './served-version.ts';

/** `/stats` for people and scripts, `/metrics` for Prometheus. */
export function addStatsRoutes(shell: Shell, sources: MetricsSources): void {
  shell.addHook('onResponse', (request, reply, done) => {
    sources.http.count(request.method, reply.statusCode);
    done();
  });
  shell.get('/metrics', (_request, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return metricsPage(sources);
  });
  shell.get('/stats', { config: { scope: 'predict' } }, () => ({
    uptime_seconds: Math.round((Date.now() - sources.started.getTime()) / 1000),
    pending: sources.scheduler.pending,
    prediction_log: sources.log ?? null,
    models: [...sources.repository.models.values()].flatMap((model) => [...model.versions.values()].map(describe)),
  }));
}

function describe(version: ServedVersion) {
  const { stats } = version;
  const milliseconds = (q: number): number | null => {
    const value = stats.latency.quantile(q);
    return value === undefined ? null : Math.round(value * 1e6) / 1000;
  };
  const { count } = stats.latency;
  return {
    model: version.ref.name,
    model_version: version.ref.version,
    requests: { success: stats.success, failure: stats.failure - stats.rejected, rejected: stats.rejected },
    rows: stats.inferences,
    mean_batch: stats.executions === 0 ? null : Math.round((stats.inferences / stats.executions) * 100) / 100,
    latency_ms: {
      mean: count === 0 ? null : Math.round((stats.latency.sum / count) * 1e6) / 1000,
      p50: milliseconds(0.5),
      p95: milliseconds(0.95),
      p99: milliseconds(0.99),
    },
    answers: answersOf(version),
  };
}

function answersOf({ stats: { answers } }: ServedVersion) {
  if (answers.labels.size > 0) {
    const labels = [...answers.labels].sort((a, b) => b[1] - a[1]);
    return { labels: Object.fromEntries(labels), ...(answers.other > 0 ? { other: answers.other } : {}) };
  }
  if (answers.count === 0) return null;
  const { count, mean, deviation, min, max } = answers;
  return { count, mean, deviation, min, max };
}
