import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { InferencePool } from './inference-pool.ts';
import type { Repository } from './repository.ts';
import type { Scheduler } from './scheduler.ts';
import type { ServedVersion } from './served-version.ts';

export interface MetricsSources {
  readonly repository: Repository;
  readonly scheduler: Scheduler;
  readonly pool: InferencePool;
  readonly started: Date;
  readonly http: HttpCounts;
  readonly log: { readonly logged: number; readonly dropped: number; readonly sampledOut: number } | undefined;
  ready(): boolean;
}

/** Counted for every response of the process. */
export class HttpCounts {
  readonly byStatus = new Map<string, number>();
  received = 0;
  sent = 0;

  count(method: string, status: number): void {
    const key = `${method} ${status}`;
    this.byStatus.set(key, (this.byStatus.get(key) ?? 0) + 1);
  }
}

const loopDelay = monitorEventLoopDelay({ resolution: 20 });

/** Starts what has to be watched all the time; the page itself is made when it is asked for. */
export function startProcessMetrics(): void {
  loopDelay.enable();
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The page of `GET /metrics` in Prometheus' text format 0.0.4: base units, `_total` for counters, help for all. */
export function metricsPage(sources: MetricsSources): string {
  const page = new Page();
  const versions = [...sources.repository.models.values()].flatMap((model) => [...model.versions.values()]);
  addVersions(page, versions);
  page.gauge('mlops_inference_pending_requests', 'Requests that wait or run.', [[{}, sources.scheduler.pending]]);
  page.gauge(
    'mlops_inference_queue_length',
    'Requests that wait for a thread.',
    versions.map((version) => [labelsOf(version), version.queue.length]),
  );
  page.gauge('mlops_inference_threads', 'Inference threads.', [[{}, sources.pool.threads.length]]);
  page.counter('mlops_inference_thread_restarts_total', 'Inference threads that died and were started again.', [
    [{}, sources.pool.restarts],
  ]);
  addModels(page, sources);
  addHttp(page, sources.http);
  if (sources.log !== undefined) {
    const { logged, dropped, sampledOut } = sources.log;
    page.counter('mlops_prediction_log_records_total', 'Predictions by what the prediction log did with them.', [
      [{ outcome: 'logged' }, logged],
      [{ outcome: 'dropped' }, dropped],
      [{ outcome: 'sampled_out' }, sampledOut],
    ]);
  }
  page.gauge('mlops_ready', 'Whether the server is ready: 1 or 0.', [[{}, sources.ready() ? 1 : 0]]);
  addProcess(page, sources.started);
  return page.text;
}

function labelsOf(version: ServedVersion): Labels {
  return { model: version.ref.name, version: version.ref.version };
}

function addVersions(page: Page, versions: readonly ServedVersion[]): void {
  const each = (value: (version: ServedVersion) => number): Sample[] => versions.map((v) => [labelsOf(v), value(v)]);
  page.counter(
    'mlops_inference_requests_total',
    'Prediction requests by outcome.',
    versions.flatMap((version) => {
      const { success, failure, rejected } = version.stats;
      return [
        [{ ...labelsOf(version), outcome: 'success' }, success],
        [{ ...labelsOf(version), outcome: 'failure' }, failure - rejected],
        [{ ...labelsOf(version), outcome: 'rejected' }, rejected],
      ] as const;
    }),
  );
  page.counter(
    'mlops_inference_rows_total',
    'Rows answered.',
    each((v) => v.stats.inferences),
  );
  page.counter(
    'mlops_inference_executions_total',
    'Runs of the runtime; rows by runs is the mean batch.',
    each((v) => v.stats.executions),
  );
  page.counter(
    'mlops_inference_queue_seconds_total',
    'Time that requests waited for a thread.',
    each((v) => v.stats.nanoseconds.queue / 1e9),
  );
  page.counter(
    'mlops_inference_compute_seconds_total',
    'Time inside the runtime.',
    each((v) => v.stats.nanoseconds.infer / 1e9),
  );
  page.histogram('mlops_inference_request_duration_seconds', 'Time from a read request to its outputs.', versions);
  page.counter(
    'mlops_predicted_labels_total',
    'Answered rows by label, for models of at most 50 labels.',
    versions.flatMap((version) => {
      const { labels } = version.stats.answers;
      if (labels.size > 50) return [];
      return [...labels].map(([label, count]) => [{ ...labelsOf(version), label }, count] as const);
    }),
  );
}

function addModels(page: Page, { repository }: MetricsSources): void {
  const models = [...repository.models.values()];
  page.gauge(
    'mlops_model_loaded',
    'Whether a served model has a loaded default version: 1 or 0.',
    models.map((model) => [{ model: model.spec.name }, model.current === undefined ? 0 : 1]),
  );
  page.counter(
    'mlops_model_swaps_total',
    'Times that another version became the default.',
    models.map((model) => [{ model: model.spec.name }, model.swaps]),
  );
}

function addHttp(page: Page, http: HttpCounts): void {
  page.counter(
    'mlops_http_requests_total',
    'Answered HTTP requests.',
    [...http.byStatus].map(([key, count]) => {
      const [method = '', status = ''] = key.split(' ');
      return [{ method, status }, count];
    }),
  );
}

function addProcess(page: Page, started: Date): void {
  const { user, system } = process.cpuUsage();
  page.counter('process_cpu_seconds_total', 'User and system CPU time.', [[{}, (user + system) / 1e6]]);
  page.gauge('process_resident_memory_bytes', 'Resident memory.', [[{}, process.memoryUsage.rss()]]);
  page.gauge('process_start_time_seconds', 'Start of the process since the epoch.', [[{}, started.getTime() / 1000]]);
  page.gauge('nodejs_eventloop_lag_p99_seconds', 'Delay of the server thread, 99th percentile.', [
    [{}, loopDelay.percentile(99) / 1e9],
  ]);
}

class Page {
  text = '';

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#add(name, help, 'counter', samples);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#add(name, help, 'gauge', samples);
  }

  histogram(name: string, help: string, versions: readonly ServedVersion[]): void {
    if (versions.length === 0) return;
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
    for (const version of versions) {
      const { bounds, counts, sum, count } = version.stats.latency;
      const own = labelsOf(version);
      let below = 0;
      for (const [i, bound] of bounds.entries()) {
        below += counts[i] ?? 0;
        this.text += `${name}_bucket${labelText({ ...own, le: String(bound) })} ${below}\n`;
      }
      this.text += `${name}_bucket${labelText({ ...own, le: '+Inf' })} ${count}\n`;
      this.text += `${name}_sum${labelText(own)} ${sum}\n${name}_count${labelText(own)} ${count}\n`;
    }
  }

  #add(name: string, help: string, type: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of samples) this.text += `${name}${labelText(labels)} ${value}\n`;
  }
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`,
  );
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}
