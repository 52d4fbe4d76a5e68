import { prometheusLabels } from '../../base/index.ts';
import type { ServerSnapshot, VersionSnapshot } from './snapshot.ts';
import { latencyBuckets } from '../running/stats.ts';

/** Labels as they stand between the braces. */
type Sample = readonly [labels: string, value: number];
/** A version with its labels, which are on dozens of lines: made once for each page. */
interface Labelled {
  readonly own: string;
  readonly version: VersionSnapshot;
}

/** The page of `GET /metrics` in Prometheus' text format 0.0.4: base units, `_total` for counters, help for all. */
export function metricsPage(snapshot: ServerSnapshot): string {
  const page = new Page();
  const { pending, threads, threadRestarts, log } = snapshot;
  const versions = snapshot.versions.map((version) => ({
    own: prometheusLabels({
      model: version.model,
      version: version.version,
      ...(version.arm === undefined ? {} : { arm: version.arm }),
    }),
    version,
  }));
  addVersions(page, versions);
  page.gauge('mlops_inference_pending_requests', 'Requests that wait or run.', [['', pending]]);
  page.gauge(
    'mlops_inference_queue_length',
    'Requests that wait for a thread.',
    versions
      .filter(({ version }) => version.loaded && version.arm === undefined)
      .map(({ own, version }) => [own, version.queue]),
  );
  page.gauge('mlops_inference_threads', 'Inference threads.', [['', threads]]);
  page.counter('mlops_inference_thread_restarts_total', 'Inference threads that died or hung and were replaced.', [
    ['', threadRestarts],
  ]);
  addModels(page, snapshot);
  addHttp(page, snapshot);
  if (log !== undefined) {
    page.counter('mlops_prediction_log_records_total', 'Predictions by what the prediction log did with them.', [
      ['outcome="logged"', log.logged],
      ['outcome="dropped"', log.dropped],
      ['outcome="sampled_out"', log.sampledOut],
    ]);
  }
  page.gauge('mlops_ready', 'Whether the server is ready: 1 or 0.', [['', snapshot.ready ? 1 : 0]]);
  page.gauge('mlops_workers', 'Server processes that run.', [['', snapshot.workers]]);
  page.counter('mlops_worker_restarts_total', 'Server processes that died and were started again.', [
    ['', snapshot.workerRestarts],
  ]);
  addProcess(page, snapshot);
  return page.text;
}

function addVersions(page: Page, versions: readonly Labelled[]): void {
  const each = (value: (version: VersionSnapshot) => number): Sample[] =>
    versions.map(({ own, version }) => [own, value(version)]);
  page.counter(
    'mlops_inference_requests_total',
    'Prediction requests by outcome.',
    versions.flatMap(({ own, version }) => {
      const { success, failure, rejected } = version.stats;
      return [
        [`${own},outcome="success"`, success],
        [`${own},outcome="failure"`, failure - rejected],
        [`${own},outcome="rejected"`, rejected],
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
    versions.flatMap(({ own, version }) => {
      const { labels } = version.stats.answers;
      if (labels.size > 50) return [];
      return [...labels].map(([label, count]) => [`${own},${prometheusLabels({ label })}`, count] as const);
    }),
  );
}

function addModels(page: Page, { models }: ServerSnapshot): void {
  page.gauge(
    'mlops_model_loaded',
    'Whether a served model has a loaded default version: 1 or 0.',
    models.map((model) => [prometheusLabels({ model: model.name }), model.loaded ? 1 : 0]),
  );
  page.counter(
    'mlops_model_swaps_total',
    'Times that another version became the default.',
    models.map((model) => [prometheusLabels({ model: model.name }), model.swaps]),
  );
}

function addHttp(page: Page, { http, received, sent }: ServerSnapshot): void {
  page.counter(
    'mlops_http_requests_total',
    'Answered HTTP requests.',
    [...http].map(([key, count]) => {
      const [method = '', status = ''] = key.split(' ');
      return [prometheusLabels({ method, status }), count];
    }),
  );
  page.counter('process_network_receive_bytes_total', 'Bytes received on HTTP connections.', [['', received]]);
  page.counter('process_network_transmit_bytes_total', 'Bytes sent on HTTP connections.', [['', sent]]);
}

function addProcess(page: Page, { process: { cpuSeconds, residentBytes, started, lagSeconds } }: ServerSnapshot): void {
  page.counter('process_cpu_seconds_total', 'User and system CPU time.', [['', cpuSeconds]]);
  page.gauge('process_resident_memory_bytes', 'Resident memory.', [['', residentBytes]]);
  page.gauge('process_start_time_seconds', 'Start of the process since the epoch.', [['', started / 1000]]);
  page.gauge('nodejs_eventloop_lag_p99_seconds', 'Delay of the server thread, 99th percentile.', [['', lagSeconds]]);
}

class Page {
  text = '';

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#add(name, help, 'counter', samples);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#add(name, help, 'gauge', samples);
  }

  histogram(name: string, help: string, versions: readonly Labelled[]): void {
    if (versions.length === 0) return;
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
    for (const { own, version } of versions) {
      const { counts, sum, count } = version.stats.latency;
      let below = 0;
      for (const [i, bound] of latencyBuckets.entries()) {
        below += counts[i] ?? 0;
        this.text += `${name}_bucket{${own},le="${bound}"} ${below}\n`;
      }
      this.text += `${name}_bucket{${own},le="+Inf"} ${count}\n`;
      this.text += `${name}_sum{${own}} ${sum}\n${name}_count{${own}} ${count}\n`;
    }
  }

  #add(name: string, help: string, type: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of samples) this.text += `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
  }
}
