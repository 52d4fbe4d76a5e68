import * as fs from 'node:fs';
import * as path from 'node:path';

import { writeFileAtomic } from '../../base/index.ts';
import { logStats, type PerformanceOptions, type StatsOptions } from '../../monitor/index.ts';
import { performance, performanceJson } from './predictions.ts';

/** An alert as a file of its own; whatever else it says is written too. */
export interface ExportedAlert {
  readonly id: string;
}

export interface ExportOptions {
  /** By day unless it says otherwise. */
  readonly selection: StatsOptions;
  readonly performance?: PerformanceOptions | undefined;
  readonly alerts: readonly ExportedAlert[];
  /** Git is told to ignore the folder. Default false. */
  readonly ignored?: boolean | undefined;
}

/**
 * Writes what is known into a folder, for scripts: `predictions_history.json` holds what `monitor stats` prints,
 * `performance_metrics.json` what `monitor performance` prints, `alerts/ID.json` an alert each. A reader sees a whole
 * file or the one before.
 *
 * @returns the files, relative to the folder.
 */
export async function exportFiles(log: string, directory: string, options: ExportOptions): Promise<string[]> {
  const history = await logStats(log, { ...options.selection, by: options.selection.by ?? 'day' });
  const metrics = performanceJson(await performance(log, options.selection, options.performance ?? {}));
  const folder = path.join(directory, 'alerts');
  fs.mkdirSync(folder, { recursive: true });
  if (options.ignored === true) writeOnce(path.join(directory, '.gitignore'), '*\n');
  const files: [string, unknown][] = [
    ['predictions_history.json', history],
    ['performance_metrics.json', metrics],
    ...options.alerts.map((alert): [string, unknown] => [`alerts/${alert.id}.json`, alert]),
  ];
  for (const [name, value] of files) {
    writeFileAtomic(path.join(directory, name), `${JSON.stringify(value, undefined, 2)}\n`);
  }
  return files.map(([name]) => name);
}

function writeOnce(file: string, text: string): void {
  if (!fs.existsSync(file)) writeFileAtomic(file, text);
}
