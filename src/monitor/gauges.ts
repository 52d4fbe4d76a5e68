import { prometheusLabels } from '../base/index.ts';
import type { Alert } from './alerts/alert.ts';

/** What the last look knew of a model. */
export interface ModelFacts {
  readonly model: string;
  readonly predictions: number;
  readonly errors: number;
  /** ISO time of the last prediction. */
  readonly last: string | null;
  readonly drift: {
    readonly drifted: boolean;
    readonly share: number;
    /** The most drifted first. */
    readonly columns: readonly {
      readonly column: string;
      readonly method: string;
      readonly statistic: number | null;
      readonly drifted: boolean;
    }[];
  } | null;
  readonly performance: Readonly<Record<string, number>>;
  readonly labelled_share: number | null;
}

export interface LookFacts {
  /** ISO time. */
  readonly at: string;
  readonly models: readonly ModelFacts[];
}

/** Bounds of what labels can make: a model more is a series more, for each of them. */
const mostModels = 100;
const mostColumns = 200;
const mostAlerts = 200;

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** Drift, performance, age of the data and alerts in Prometheus' text format 0.0.4, of the last look. */
export function monitorGauges(look: LookFacts | undefined, alerts: readonly Alert[], now: number): string {
  const models = look?.models.slice(0, mostModels) ?? [];
  const of = (value: (facts: ModelFacts) => number | null | undefined): Sample[] =>
    models.flatMap((facts): Sample[] => {
      const found = value(facts);
      return found === null || found === undefined ? [] : [[{ model: facts.model }, found]];
    });
  const columns = models.flatMap(({ model, drift }) =>
    (drift?.columns ?? []).slice(0, mostColumns).map((column) => ({ model, ...column })),
  );
  const age = (iso: string): number => Math.max(0, (now - Date.parse(iso)) / 1000);
  const open = alerts.filter(({ state }) => state !== 'resolved');
  const counted = (state: Alert['state']): Sample => [{ state }, open.filter((alert) => alert.state === state).length];
  return [
    gauge(
      'mlops_monitor_last_look_timestamp_seconds',
      'When `monitor watch` looked last, since the epoch.',
      look === undefined ? [] : [[{}, Date.parse(look.at) / 1000]],
    ),
    gauge(
      'mlops_monitor_predictions',
      'Predictions in the log.',
      of(({ predictions }) => predictions),
    ),
    gauge(
      'mlops_monitor_errors',
      'Predictions in the log that failed.',
      of(({ errors }) => errors),
    ),
    gauge(
      'mlops_monitor_data_age_seconds',
      'Time since the last logged prediction.',
      of(({ last }) => (last === null ? null : age(last))),
    ),
    gauge(
      'mlops_monitor_drift_share',
      'Share of the columns that drifted.',
      of(({ drift }) => drift?.share),
    ),
    gauge(
      'mlops_monitor_drift_detected',
      'Whether the inputs drifted: 1 or 0.',
      of(({ drift }) => (drift === null ? null : Number(drift.drifted))),
    ),
    gauge(
      'mlops_monitor_drift_statistic',
      'How far a column is from its reference, by its method.',
      columns.flatMap(({ model, column, method, statistic }): Sample[] =>
        statistic === null ? [] : [[{ model, column, method }, statistic]],
      ),
    ),
    gauge(
      'mlops_monitor_column_drifted',
      'Whether a column drifted: 1 or 0.',
      columns.map(({ model, column, drifted }): Sample => [{ model, column }, Number(drifted)]),
    ),
    gauge(
      'mlops_monitor_performance',
      'Metrics of predictions that have labels.',
      models.flatMap(({ model, performance }) =>
        Object.entries(performance).map(([metric, value]): Sample => [{ model, metric }, value]),
      ),
    ),
    gauge(
      'mlops_monitor_labelled_share',
      'Share of the predictions that have a label.',
      of(({ labelled_share: share }) => share),
    ),
    gauge('mlops_monitor_alerts', 'Open alerts by state.', [counted('firing'), counted('pending')]),
    gauge(
      'mlops_monitor_alert_firing',
      'Whether a rule fires for a model: 1; pending is 0.',
      open
        .slice(0, mostAlerts)
        .map(({ rule, model, severity, state }): Sample => [
          { rule, model: model ?? '', severity },
          Number(state === 'firing'),
        ]),
    ),
  ].join('');
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(
    ([labels, value]) => `${name}${labelText(labels)} ${Number.isFinite(value) ? value : 'NaN'}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const text = prometheusLabels(labels);
  return text === '' ? '' : `{${text}}`;
}
