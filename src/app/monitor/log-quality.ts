import * as path from 'node:path';

import { checkTable, type Expectation } from '../../quality/index.ts';
import { openTable } from '../../tables/index.ts';
import { readDataSchema } from './data-schema.ts';
import type { DataPlaces } from './data-source.ts';
import { drift, type DriftCommand } from './drift.ts';
import { openWindow } from './log-window.ts';

/** What a schema says of the predictions of a window. */
export interface LogQuality {
  readonly rows: number;
  /** Those that failed, the worst first. */
  readonly failed: readonly Expectation[];
  /** The largest share of rows that fail one expectation; 1 where one is not about rows. */
  readonly worst: number;
}

/**
 * Checks the inputs, answers and labels of a model in a window of the log against a `data.schema.yaml`, whose own paths
 * are relative to it.
 * @throws MlopsError `bad_settings` for the schema.
 */
export async function logQuality(
  places: DataPlaces,
  { model, schema: file, since, now }: { model: string; schema: string; since: number; now: number },
): Promise<LogQuality> {
  const schema = readDataSchema(places.cwd, file);
  const window = `log:${model}?since=${since}`;
  const beside = { ...places, cwd: path.dirname(path.resolve(places.cwd, file)) };
  const result = await checkTable(await openWindow(window, places), schema, {
    now,
    openOther: (name) => Promise.resolve(openTable(path.resolve(beside.cwd, name), { name })),
    compare: ({ method, ...rest }) =>
      drift(beside, { ...rest, current: window, method: method as DriftCommand['method'] }),
  });
  const share = ({ result: { element_count: all, unexpected_percent: percent } }: Expectation): number =>
    all === 0 || percent === 0 ? 1 : percent / 100;
  const failed = result.expectations.filter((one) => !one.success).sort((a, b) => share(b) - share(a));
  return { rows: result.rows, failed, worst: Math.max(0, ...failed.map(share)) };
}
