import type { ModelStats } from '../../monitor/index.ts';

export interface ModelHealth {
  readonly model: string;
  readonly status: 'ok' | 'errors' | 'alert';
  readonly predictions: number;
  readonly errors: number;
  readonly error_rate: number;
  readonly latency_ms: ModelStats['latency_ms'];
  /** ISO time of the last prediction, and how long ago that was. */
  readonly last: string | null;
  readonly seconds_since_last: number | null;
  /** Names of the rules that ring. */
  readonly firing: readonly string[];
}

export interface MonitorHealth {
  /** The worst of the models; `no_predictions` where there are none. */
  readonly status: 'ok' | 'errors' | 'alert' | 'no_predictions';
  readonly models: readonly ModelHealth[];
  readonly alerts: { readonly firing: number; readonly pending: number };
}

/** What the health of a model asks of an alert. */
export interface AlertFacts {
  readonly rule: string;
  readonly model: string | null;
  readonly state: string;
}

/** How models are, in a few words each. A model has errors when more than half of its predictions have. */
export function healthOf(models: readonly ModelStats[], alerts: readonly AlertFacts[], now: number): MonitorHealth {
  const firing = alerts.filter(({ state }) => state === 'firing');
  const health = models.map(({ model, predictions, errors, error_rate: rate, latency_ms: latency, last }) => {
    const rules = firing.filter((alert) => alert.model === model).map(({ rule }) => rule);
    const status = rules.length > 0 ? 'alert' : rate > 0.5 ? 'errors' : 'ok';
    const age = last === null ? null : Math.max(0, Math.round((now - Date.parse(last)) / 1000));
    return {
      model,
      status,
      predictions,
      errors,
      error_rate: rate,
      latency_ms: latency,
      last,
      seconds_since_last: age,
      firing: rules,
    } as const;
  });
  const worst = (['alert', 'errors', 'ok'] as const).find((status) => health.some((one) => one.status === status));
  const pending = alerts.filter(({ state }) => state === 'pending').length;
  return {
    status: firing.length > 0 ? 'alert' : (worst ?? 'no_predictions'),
    models: health,
    alerts: { firing: firing.length, pending },
  };
}
