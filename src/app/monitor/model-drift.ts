import type { DriftReport } from '../../monitor/index.ts';
import type { DataPlaces } from './data-source.ts';
import { drift, type DriftCommand } from './drift.ts';
import type { MonitorSettings } from './settings.ts';

/**
 * Compares the last window of a model's predictions with its reference, as `monitor.yaml` says.
 * @returns undefined where the model has no reference or there are no predictions in the window.
 * @throws MlopsError as `drift`.
 */
export async function driftOfModel(
  model: string,
  { models }: Pick<MonitorSettings, 'models'>,
  places: DataPlaces,
  now: number,
): Promise<DriftReport | undefined> {
  const settings = models.get(model);
  if (settings?.reference === undefined) return undefined;
  const { thresholds } = settings;
  return drift(places, {
    reference: settings.reference,
    current: `log:${model}?since=${now - settings.window}`,
    columns: settings.columns,
    categorical: settings.categorical,
    method: settings.method as DriftCommand['method'],
    level: settings.level,
    correction: settings.correction,
    driftShare: settings.drift_share,
    minCount: settings.min_n,
    thresholds: thresholds === undefined ? undefined : Object.fromEntries(thresholds),
  });
}
