import { didYouMean, MlopsError } from '../../base/index.ts';
import type { ModelVersion, Stage } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { isStage, modelNamed, nearSelector, versionIfAny, versionNamed, type ModelSelector } from './resolve-model.ts';

export interface PromoteOptions {
  readonly stage: Stage;
  readonly archiveExisting: boolean;
  readonly by: string;
  readonly why: string | undefined;
  /** `metrics.accuracy>=0.9`: all must hold. */
  readonly require: readonly string[];
  /** A stage, alias or version whose model must be beaten. */
  readonly betterThan?: string | undefined;
  /** The metric to compare; a leading `-` means that less is better. */
  readonly on?: string | undefined;
  /** A rival without the metric is beaten by any version that has it. */
  readonly orNone?: boolean | undefined;
}

export interface Check {
  readonly text: string;
  readonly met: boolean;
}

export interface Promoted {
  readonly version: ModelVersion;
  readonly from: Stage;
  readonly checks: readonly Check[];
  /** A newer version that is in the stage too: it is the one that the stage means. */
  readonly newer: ModelVersion | undefined;
}

/**
 * Moves a version to a stage when it meets its thresholds, and writes that to the audit trail.
 *
 * @throws MlopsError `gate_failed` with every threshold that was not met, `model_not_found`.
 */
export async function promote(store: TrackingStore, wanted: ModelSelector, options: PromoteOptions): Promise<Promoted> {
  const before = await versionNamed(store, wanted);
  const checks = await runChecks(store, before, options);
  const failed = checks.filter((check) => !check.met);
  if (failed.length > 0) {
    throw new MlopsError(
      'gate_failed',
      `${before.name} version ${before.version} stays in ${before.stage}: ${failed.map((check) => check.text).join('; ')}`,
      { hint: `see \`mlops models show ${before.name} ${before.version}\``, data: { checks } },
    );
  }
  const { stage, archiveExisting, by } = options;
  const why = [options.why, ...checks.map((check) => check.text)].filter((part) => part !== undefined).join('; ');
  const version = await store.transitionStage(before.name, before.version, { stage, archiveExisting, by, why });
  const [meant] =
    stage === 'Production' || stage === 'Staging' ? await store.getLatestVersions(version.name, [stage]) : [];
  const newer = meant !== undefined && meant.version !== version.version ? meant : undefined;
  return { version, from: before.stage, checks, newer };
}

async function runChecks(store: TrackingStore, version: ModelVersion, options: PromoteOptions): Promise<Check[]> {
  const checks: Check[] = [];
  if (options.require.length > 0) {
    const metrics = await metricsOf(store, version);
    for (const text of options.require) checks.push(threshold(text, metrics));
  }
  if (options.betterThan !== undefined) checks.push(await comparison(store, version, options));
  return checks;
}

/** The metrics of the run that a version came from. */
export async function metricsOf(store: TrackingStore, version: ModelVersion): Promise<ReadonlyMap<string, number>> {
  if (version.runId === '') return new Map();
  const run = await store.getRun(version.runId);
  return new Map(run.metrics.map((metric) => [metric.key, metric.value]));
}

function threshold(text: string, metrics: ReadonlyMap<string, number>): Check {
  const match = /^(?:metrics\.)?([^<>=!]+)(>=|<=|!=|==|=|>|<)\s*([-+\d.eE]+)$/.exec(text.trim());
  const [, name = '', operator = '', bound = ''] = match ?? [];
  const key = name.trim();
  if (match === null || Number.isNaN(Number(bound))) {
    throw new MlopsError('usage', `'${text}' is no threshold`, { hint: `write '${meant(text)}'` });
  }
  const value = metrics.get(key);
  if (value === undefined) {
    const near = didYouMean(key, [...metrics.keys()]);
    const guess = near === undefined ? '' : ` (${near})`;
    return { text: `${key} ${operator} ${bound}, but the run has no ${key}${guess}`, met: false };
  }
  return { text: `${key} ${operator} ${bound} (it is ${value})`, met: holds(value, operator, Number(bound)) };
}

/** The threshold that a slip of the operator stands for. */
function meant(text: string): string {
  const [, name, signs = '', bound] =
    /^\s*([^<>=!\s]{1,250})\s*([<>=!~]{1,4})\s*([-+\d.eE]{1,40})\s*$/.exec(text) ?? [];
  if (name === undefined || bound === undefined || Number.isNaN(Number(bound))) return 'metrics.accuracy>=0.9';
  return `${name}${signs.includes('<') ? '<=' : '>='}${bound}`;
}

function holds(value: number, operator: string, bound: number): boolean {
  if (operator === '>=') return value >= bound;
  if (operator === '<=') return value <= bound;
  if (operator === '>') return value > bound;
  if (operator === '<') return value < bound;
  if (operator === '!=') return value !== bound;
  return value === bound;
}

async function comparison(store: TrackingStore, version: ModelVersion, options: PromoteOptions): Promise<Check> {
  const { on, betterThan = '' } = options;
  if (on === undefined) {
    throw new MlopsError('usage', '--better-than needs --on METRIC', {
      hint: '--on accuracy, or --on=-loss for less is better',
    });
  }
  const less = on.startsWith('-');
  const key = on.replace(/^-/, '').replace(/^metrics\./, '');
  const model = await modelNamed(store, version.name);
  const rival = await versionIfAny(store, model, betterThan);
  if (rival === undefined) {
    // An empty stage has nobody to beat. Any other word that names nothing is a slip, and a gate must not pass on it.
    if (isStage(betterThan)) return { text: `no version in ${betterThan} to beat`, met: true };
    const near = nearSelector(model, betterThan);
    return { text: `'${betterThan}' names no version to beat${near === undefined ? '' : `: ${near}`}`, met: false };
  }
  const own = (await metricsOf(store, version)).get(key);
  const other = (await metricsOf(store, rival)).get(key);
  if (own === undefined) return { text: `the run has no ${key} to compare with version ${rival.version}`, met: false };
  if (other === undefined) {
    const met = options.orNone === true;
    return {
      text: `version ${rival.version} (${betterThan}) has no ${key}${met ? '' : ': --or-none passes then'}`,
      met,
    };
  }
  const met = less ? own < other : own > other;
  const text = `${key} ${own} ${met ? (less ? '<' : '>') : 'is not better than'} ${other} of version ${rival.version} (${betterThan})`;
  return { text, met };
}
