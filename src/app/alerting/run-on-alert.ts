import * as path from 'node:path';

import { MlopsError, tryLockFile } from '../../base/index.ts';
import { shellArgv } from '../../execute/index.ts';
import { everything, filterText, type Run } from '../../mlflow/index.ts';
import type { Alert } from '../../monitor/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { runCommand } from '../recording/run-command.ts';

export interface RunOnAlertOptions {
  readonly store: TrackingStore;
  readonly root: string;
  /** The private folder, for the lock. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly remote: boolean;
  readonly user: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onNote: (line: string) => void;
}

const ruleTag = 'mlops.alert.rule';
const day = 86_400_000;

/**
 * Runs the shell line of a rule that fires as a recorded run: one at a time, and no more often a day than its budget
 * says. Tags of the run name the alert.
 *
 * @returns the run, or undefined where it was not run; the note says why.
 */
export async function runOnAlert(
  rule: { readonly name: string; readonly run: string; readonly budget: number },
  alert: Alert,
  options: RunOnAlertOptions,
): Promise<Run | undefined> {
  const { store, root, folder, env, onNote } = options;
  const lock = tryLockFile(path.join(folder, 'alert-run.lock'));
  if (lock === undefined) {
    onNote(`'${rule.run}' is not run for '${rule.name}': another one is still running`);
    return undefined;
  }
  try {
    const spent = await runsOf(store, rule.name, options.now() - day);
    if (spent >= rule.budget) {
      onNote(`'${rule.run}' is not run for '${rule.name}': it ran ${spent} times within a day (budget ${rule.budget})`);
      return undefined;
    }
    const { run, result } = await runCommand(store, {
      argv: shellArgv(rule.run, env),
      cwd: root,
      root,
      env: { ...env, MLOPS_ALERT_ID: alert.id, MLOPS_ALERT_RULE: alert.rule, MLOPS_ALERT_MODEL: alert.model ?? '' },
      name: `on ${rule.name}`,
      tags: [
        { key: ruleTag, value: rule.name },
        { key: 'mlops.alert.id', value: alert.id },
      ],
      user: options.user,
      remote: options.remote,
      systemMetrics: false,
      signal: options.signal,
      onOutput: () => undefined,
      onStart: ({ info }) => onNote(`'${rule.run}' runs as ${info.id.slice(0, 8)}`),
      onWarning: onNote,
    });
    onNote(`'${rule.run}' ended with ${result.code ?? result.signal}: mlops runs show ${run.info.id.slice(0, 8)}`);
    return run;
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    onNote(`'${rule.run}' could not be run: ${error.message}`);
    return undefined;
  } finally {
    lock.release();
  }
}

/** How often it ran since then. */
async function runsOf(store: TrackingStore, rule: string, since: number): Promise<number> {
  const experiments = await everything((pageToken) => store.searchExperiments({ pageToken }));
  if (experiments.length === 0) return 0;
  const filter = `tags.\`${ruleTag}\` = ${filterText(rule)} AND attributes.start_time >= ${Math.floor(since)}`;
  const { items } = await store.searchRuns({
    experimentIds: experiments.map(({ id }) => id),
    filter,
    maxResults: 1000,
  });
  return items.length;
}
