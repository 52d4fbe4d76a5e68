import * as fs from 'node:fs';

import { formatDuration, isMlopsError, messageOf } from '../../base/index.ts';
import {
  compare,
  droppedSince,
  logStats,
  type AlertRule,
  type DriftReport,
  type ModelStats,
  type Observation,
  type Performance,
} from '../../monitor/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { logQuality } from './log-quality.ts';
import { driftOfModel } from './model-drift.ts';
import type { DataPlaces } from './data-source.ts';
import { performance } from './predictions.ts';
import type { MonitorSettings, RuleSettings } from './settings.ts';

export interface ObservePlaces extends DataPlaces {
  /** Undefined where nothing was recorded yet. */
  readonly store: TrackingStore | undefined;
  /** What is wrong with the rule that divides the requests for a model; undefined where there is none. */
  readonly traffic?: ((model: string) => Promise<TrafficFacts | undefined>) | undefined;
}

export interface TrafficFacts {
  /** The p-value of the requests against the weights; null where that is not to be said. */
  readonly mismatch: number | null;
  /** Why a canary was taken back. */
  readonly takenBack: string | undefined;
  /** Arms that get no requests, with why. */
  readonly stuck: readonly string[];
}

/** What a look found besides its alerts. */
export interface Looked {
  readonly observations: readonly Observation[];
  /** By model. */
  readonly drift: Readonly<Record<string, DriftReport>>;
  readonly performance: Readonly<Record<string, Performance>>;
  readonly stats: readonly ModelStats[];
  /** What could not be judged because something is wrong, in words. */
  readonly problems: readonly string[];
}

const day = 86_400_000;
/** Requests that fall otherwise than the weights say are no chance below this. */
const mismatchLevel = 0.001;

/** Looks at everything that the rules ask for, once. A rule that cannot be judged is a problem, and stops no other. */
export async function observe(settings: MonitorSettings, places: ObservePlaces, now: number): Promise<Looked> {
  return new Look(settings, places, now).run();
}

class Look {
  readonly places: ObservePlaces;
  readonly now: number;
  readonly #settings: MonitorSettings;
  readonly #stats = new Map<number, Promise<readonly ModelStats[]>>();
  readonly #drift = new Map<string, Promise<DriftReport | undefined>>();
  /** Of all models, by window. */
  readonly #performance = new Map<number, Promise<Readonly<Record<string, Performance>>>>();
  readonly #problems: string[] = [];

  constructor(settings: MonitorSettings, places: ObservePlaces, now: number) {
    this.#settings = settings;
    this.places = places;
    this.now = now;
  }

  async run(): Promise<Looked> {
    const { alerts, models } = this.#settings;
    const all = await this.#statsOf(Infinity);
    const observations: Observation[] = [];
    for (const rule of alerts.rules as readonly RuleSettings[]) {
      for (const model of await this.#modelsOf(rule, all)) observations.push(await this.#tolerant(rule, model));
    }
    const quality: [string, Performance][] = [];
    // What models are configured for is known, whether or not a rule asks for it.
    for (const [name, { reference }] of models) {
      if (reference !== undefined && !this.#drift.has(name)) {
        await this.#noted(`drift of '${name}'`, () => this.driftOf(name));
      }
      const found = await this.#noted(`performance of '${name}'`, () =>
        this.#performanceOf(name, this.#windowOf(undefined, name)),
      );
      if (found !== undefined) quality.push([name, found]);
    }
    return {
      observations,
      drift: await known(this.#drift),
      performance: Object.fromEntries(quality),
      stats: all,
      problems: [...new Set(this.#problems)],
    };
  }

  /** A rule without a model is about all: those of the settings, and where there are none those of the log. */
  async #modelsOf({ on, model }: RuleSettings, all: readonly ModelStats[]): Promise<readonly (string | null)[]> {
    if (on === 'disk' || on === 'dropped') return [null];
    if (model !== undefined) return [model];
    const configured = [...this.#settings.models.keys()];
    return configured.length > 0 ? configured : all.map((one) => one.model);
  }

  async #tolerant(rule: RuleSettings, model: string | null): Promise<Observation> {
    try {
      return { rule, model, ...(await judges[rule.on](rule, model ?? '', this)) };
    } catch (error) {
      if (!isMlopsError(error) && !(error instanceof TypeError && rule.on === 'dropped')) throw error;
      this.#problems.push(`rule '${rule.name}'${model === null ? '' : ` for '${model}'`}: ${messageOf(error)}`);
      return { rule, model, met: undefined, value: null, threshold: null, text: messageOf(error) };
    }
  }

  async #noted<Value>(what: string, look: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await look();
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      this.#problems.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** The statistics of a model in the window of a rule; of no prediction where there is none. */
  async statsFor(rule: AlertRule, model: string): Promise<ModelStats | undefined> {
    const found = await this.#statsOf(rule.window ?? day);
    return found.find((one) => one.model === model);
  }

  async lastOf(model: string): Promise<string | null> {
    return (await this.#statsOf(Infinity)).find((one) => one.model === model)?.last ?? null;
  }

  driftOf(model: string): Promise<DriftReport | undefined> {
    return kept(this.#drift, model, () => driftOfModel(model, this.#settings, this.places, this.now));
  }

  performanceOf(rule: AlertRule, model: string): Promise<Performance | undefined> {
    return this.#performanceOf(model, this.#windowOf(rule.window, model));
  }

  #windowOf(own: number | undefined, model: string): number {
    return own ?? this.#settings.models.get(model)?.window ?? 7 * day;
  }

  #statsOf(window: number): Promise<readonly ModelStats[]> {
    const since = window === Infinity ? undefined : this.now - window;
    return kept(this.#stats, window, () => logStats(this.places.log, { since }));
  }

  async #performanceOf(model: string, window: number): Promise<Performance | undefined> {
    const { models } = this.#settings;
    const found = await kept(this.#performance, window, () =>
      performance(this.places.log, { since: this.now - window }, (name) => {
        const positive = models.get(name)?.positive;
        return positive === undefined ? {} : { positive: String(positive) };
      }),
    );
    return found[model];
  }
}

function kept<Key, Value>(map: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

async function known<Value>(map: ReadonlyMap<string, Promise<Value | undefined>>): Promise<Record<string, Value>> {
  const found: [string, Value][] = [];
  for (const [key, promise] of map) {
    const value = await promise.catch(() => undefined);
    if (value !== undefined) found.push([key, value]);
  }
  return Object.fromEntries(found);
}

type Seen = Omit<Observation, 'rule' | 'model'>;
type Judge = (rule: RuleSettings, model: string, look: Look) => Promise<Seen>;

/** Without limits: a canary that was taken back, an arm that cannot be loaded, requests that do not fall by the weights. */
async function judgeTraffic(model: string, look: Look): Promise<Seen> {
  const found = await look.places.traffic?.(model);
  if (found === undefined)
    return { met: undefined, value: null, threshold: null, text: `no rule divides the requests for '${model}'` };
  const { mismatch, takenBack, stuck } = found;
  const facts = { value: mismatch, threshold: mismatchLevel };
  if (takenBack !== undefined)
    return { ...facts, met: true, text: `the canary of '${model}' was taken back: ${takenBack}` };
  if (stuck.length > 0)
    return { ...facts, met: true, text: `an arm of '${model}' gets no requests: ${stuck.join('; ')}` };
  const met = mismatch !== null && mismatch < mismatchLevel;
  const how = met ? 'do not fall' : 'fall';
  return {
    ...facts,
    met,
    text: `requests for '${model}' ${how} as the weights say (p = ${mismatch === null ? 'unknown' : short(mismatch)})`,
  };
}

const judges: Readonly<Record<RuleSettings['on'], Judge>> = {
  async drift(rule, model, look) {
    const report = await look.driftOf(model);
    if (report === undefined || report.verdict === 'too_few') {
      return unknown(`too few predictions of '${model}' to judge drift`, rule);
    }
    const drifted = Object.entries(report.columns).filter(([, column]) => column.drifted);
    const value = report.share_drifted;
    const limited = rule.above !== undefined || rule.below !== undefined;
    const { met, threshold } = limited ? compare(rule, value) : { met: report.drifted, threshold: null };
    const names = drifted.map(([column, { statistic, method }]) => `${column} (${method} ${short(statistic)})`);
    const text =
      names.length === 0
        ? `no column of '${model}' drifted`
        : `${names.length} of ${Object.keys(report.columns).length} columns of '${model}' drifted: ${names.slice(0, 8).join(', ')}`;
    return { met, threshold, value, text };
  },
  async performance(rule, model, look) {
    const report = await look.performanceOf(rule, model);
    const metric = rule.metric ?? 'accuracy';
    const found = report?.metrics[metric];
    if (report === undefined || found === undefined || found.value === null) {
      return unknown(`'${metric}' of '${model}' is not known: ${found?.reason ?? 'no labels'}`, rule);
    }
    const text = `${metric} of '${model}' is ${short(found.value)} (${short(found.low)} to ${short(found.high)}, ${found.n} labels)`;
    return { ...compare(rule, found.value), value: found.value, text };
  },
  async quality(rule, model, look) {
    if (rule.schema !== undefined) return judgeSchema(rule, rule.schema, model, look);
    const found = await look.statsFor(rule, model);
    if (found === undefined) return unknown(`no predictions of '${model}'`, rule);
    const [worst] = Object.entries(found.inputs)
      .map(([name, { missing_share: share }]) => [name, share] as const)
      .sort(([, a], [, b]) => b - a);
    if (worst === undefined) return unknown(`no inputs of '${model}' are logged`, rule);
    const text = `${percent(worst[1])} of '${worst[0]}' of '${model}' are missing`;
    return { ...compare(rule, worst[1]), value: worst[1], text };
  },
  async error_rate(rule, model, look) {
    const found = await look.statsFor(rule, model);
    if (found === undefined) return unknown(`no predictions of '${model}'`, rule);
    const { errors, predictions, error_rate: value } = found;
    return { ...compare(rule, value), value, text: `${errors} of ${predictions} predictions of '${model}' failed` };
  },
  async latency(rule, model, look) {
    const found = await look.statsFor(rule, model);
    const quantile = rule.quantile ?? 0.95;
    const value = found?.latency_ms[`p${Math.round(quantile * 100)}` as 'p95'] ?? null;
    if (value === null) return unknown(`no latencies of '${model}'`, rule);
    return { ...compare(rule, value), value, text: `p${100 * quantile} of '${model}' is ${short(value)} ms` };
  },
  async no_traffic({ after = 0 }, model, look) {
    const last = await look.lastOf(model);
    if (last === null)
      return { met: true, value: null, threshold: after / 1000, text: `no prediction of '${model}' yet` };
    const age = Math.max(0, look.now - Date.parse(last));
    const text = `the last prediction of '${model}' was ${formatDuration(age)} ago`;
    return { met: age > after, value: age / 1000, threshold: after / 1000, text };
  },
  async traffic(rule, model, look) {
    if (rule.above === undefined && rule.below === undefined) return judgeTraffic(model, look);
    const found = await look.statsFor(rule, model);
    const value = found?.predictions ?? 0;
    const text = `${value} predictions of '${model}' within ${formatDuration(rule.window ?? day)}`;
    return { ...compare(rule, value), value, text };
  },
  async dropped(rule, _model, look) {
    const { above = 0, below, url } = rule;
    if (url === undefined) {
      const window = rule.window ?? day;
      const value = droppedSince(look.places.log, look.now - window);
      const text = `${value} records were dropped by the log's writers within ${formatDuration(window)}`;
      return { ...compare({ above, below }, value), value, text };
    }
    const answer = await fetch(new URL('/stats', url), { signal: AbortSignal.timeout(10_000) });
    const body = (await answer.json()) as { prediction_log?: { dropped?: number } | null };
    const value = body.prediction_log?.dropped ?? null;
    const text = value === null ? `${url} has no prediction log` : `${value} log records were dropped by ${url}`;
    return { ...compare({ above, below }, value), value, text };
  },
  async disk(rule, _model, look) {
    const { bavail, bsize, blocks } = await fs.promises.statfs(existing(look.places));
    const value = blocks === 0 ? 0 : 1 - bavail / blocks;
    const limits = { above: rule.above ?? (rule.below === undefined ? 0.9 : undefined), below: rule.below };
    const free = (bavail * bsize) / 1e9;
    return {
      ...compare(limits, value),
      value,
      text: `the disk of the log is ${percent(value)} full (${short(free)} GB free)`,
    };
  },
  async age({ after = 0 }, model, look) {
    const { store } = look.places;
    const versions = store === undefined ? [] : await versionsServed(store, model);
    const [newest] = versions.sort((a, b) => b.creationTime - a.creationTime);
    if (newest === undefined) return unknown(`'${model}' is not registered`, { above: after / 1000 });
    const age = Math.max(0, look.now - newest.creationTime);
    const text = `version ${newest.version} of '${model}' is ${formatDuration(age)} old`;
    return { met: age > after, value: age / 1000, threshold: after / 1000, text };
  },
};

/** Any expectation that fails, or where there is a limit one that more rows fail than that. */
async function judgeSchema(rule: RuleSettings, schema: string, model: string, look: Look): Promise<Seen> {
  const since = look.now - (rule.window ?? day);
  const { rows, failed, worst } = await logQuality(look.places, { model, schema, since, now: look.now });
  if (rows === 0) return unknown(`no predictions of '${model}'`, rule);
  const limited = rule.above === undefined ? { met: failed.length > 0, threshold: 0 } : compare(rule, worst);
  const said = failed.slice(0, 5).map(({ expectation, column, expected, result }) => {
    const of = column === null ? '' : ` of ${[column].flat().join(', ')}`;
    return `${expectation}${of}: ${result.unexpected_count} rows are not ${expected}`;
  });
  const text =
    failed.length === 0
      ? `${rows} rows of '${model}' hold to ${schema}`
      : `${failed.length} expectations of ${schema} fail for '${model}' (${rows} rows): ${said.join('; ')}`;
  return { ...limited, value: worst, text };
}

/** The versions in Production; where there are none, all. */
async function versionsServed(store: TrackingStore, model: string) {
  const latest = await store.getLatestVersions(model).catch((error: unknown) => {
    if (isMlopsError(error, 'resource_missing')) return [];
    throw error;
  });
  const serving = latest.filter(({ stage }) => stage === 'Production');
  return serving.length > 0 ? [...serving] : [...latest];
}

function existing({ log, cwd }: ObservePlaces): string {
  return fs.existsSync(log) ? log : cwd;
}

function unknown(text: string, rule: Pick<AlertRule, 'above' | 'below'>): Seen {
  return { met: undefined, value: null, threshold: rule.above ?? rule.below ?? null, text };
}

const percent = (share: number): string => `${short(100 * share)} %`;
const short = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(4))));
