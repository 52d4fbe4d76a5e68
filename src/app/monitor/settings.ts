import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import {
  corrections,
  driftMethods,
  multivariateNames,
  ruleKinds,
  severities,
  type AlertRule,
  type Severity,
} from '../../monitor/index.ts';
import { parseSettings, setting, type SettingOf } from '../../project/index.ts';

export const monitorFile = 'monitor.yaml';

const { fields, required, optional, text, number, integer, share, flag, duration, environment } = setting;

const methodNames = ['auto', ...Object.keys(driftMethods), ...multivariateNames];

const model = fields({
  reference: optional(text(), { about: 'what its inputs should look like: a file, PATH@REV, models:/NAME/VERSION' }),
  window: optional(duration(), { about: 'how far back in the log the current data reach', fallback: 7 * 86_400_000 }),
  min_n: optional(integer({ min: 1 }), { about: 'fewer values than this are too few to judge', fallback: 30 }),
  columns: optional(setting.listOf(text()), { about: 'only these columns' }),
  categorical: optional(setting.listOf(text()), { about: 'columns of numbers that are categories' }),
  method: optional(setting.choice(methodNames), { about: 'how columns are compared', fallback: 'auto' }),
  level: optional(number({ above: 0, max: 1 }), { about: 'chance of a false alarm over the whole table' }),
  correction: optional(setting.choice(corrections), { about: 'for many columns' }),
  drift_share: optional(share(), { about: 'share of drifted columns that is a drift; any column unless given' }),
  thresholds: optional(setting.mapOf(number(), 'COLUMN'), { about: "instead of the method's own threshold" }),
  positive: optional(setting.scalar(), { about: 'the positive one of two classes' }),
});

const limits = {
  drift: [],
  performance: ['above', 'below'],
  quality: ['above'],
  error_rate: ['above', 'below'],
  latency: ['above', 'below'],
  no_traffic: ['after'],
  dropped: [],
  disk: [],
  age: ['after'],
  traffic: [],
} as const;

const rule = setting.checked(
  fields({
    name: required(text(), { about: 'by which it is shown and silenced' }),
    on: required(setting.choice(ruleKinds), { about: 'what is looked at' }),
    model: optional(text(), { about: 'only this model' }),
    above: optional(number(), { about: 'rings beyond this: a share, milliseconds of latency, a metric' }),
    below: optional(number(), { about: 'rings under this' }),
    after: optional(duration(), { about: 'of no_traffic and age: rings after this time' }),
    for: optional(duration(), { about: 'how long it must hold before it fires', fallback: 0 }),
    severity: optional<Severity>(setting.choice(severities), { about: 'how bad it is', fallback: 'warning' }),
    metric: optional(text(), { about: 'of performance: accuracy, f1_macro, rmse, ... (accuracy)' }),
    quantile: optional(setting.either(setting.exactly(0.5), setting.exactly(0.95), setting.exactly(0.99)), {
      about: 'of latency',
      fallback: 0.95,
    }),
    window: optional(duration(), { about: "how far back it looks (the model's window; of latency and errors a day)" }),
    schema: optional(text(), { about: 'of quality: a data.schema.yaml that the logged rows must hold to' }),
    url: optional(text(), { about: 'of dropped: a `mlops serve` that is asked, instead of the log' }),
    run: optional(text(), { about: 'a shell line that is run in the project when it fires, its log kept as a run' }),
    budget: optional(integer({ min: 0 }), { about: 'how often a day `run` is run at most', fallback: 1 }),
  }),
  ({ on, above, below, after, schema }) => {
    const given = { above, below, after };
    if (on === 'quality' && schema !== undefined) return undefined;
    const needed: readonly (keyof typeof given)[] = limits[on];
    if (needed.length === 0 || needed.some((name) => given[name] !== undefined)) return undefined;
    return `a rule on ${on} needs ${[...needed, ...(on === 'quality' ? ['schema'] : [])].join(' or ')}`;
  },
);

const name = required(text(), { about: 'by which it is shown' });
const channel = setting.variants('type', {
  smtp: {
    name,
    host: required(text(), { about: 'the mail server' }),
    port: optional(integer({ min: 1, max: 65_535 }), { about: '587 with starttls, else 25; 465 speaks TLS at once' }),
    starttls: optional(flag(), { about: 'refuse to go on without encryption', fallback: false }),
    username: optional(text(), { about: 'to log in with' }),
    password_env: optional(environment(), { about: 'the environment variable that holds the password' }),
    from: required(text(), { about: 'the sender' }),
    to: required(setting.either(text(), setting.listOf(text(), { min: 1 })), { about: 'one receiver or several' }),
  },
  webhook: {
    name,
    url: optional(text(), { about: 'where to' }),
    url_env: optional(environment(), { about: 'the environment variable that holds the address' }),
    secret_env: optional(environment(), { about: 'the environment variable that holds the key of the signature' }),
    format: optional<'json' | 'slack' | 'teams'>(setting.choice(['json', 'slack', 'teams']), {
      about: 'its shape',
      fallback: 'json',
    }),
  },
  alertmanager: { name, url: required(text(), { about: 'the base: /api/v2/alerts is added' }) },
  command: { name, command: required(text(), { about: 'a shell line; the alert comes on stdin as JSON' }) },
  file: { name, path: optional(text(), { about: 'a folder', fallback: '.monitoring/alerts' }) },
});

export const monitorSettings = fields({
  version: optional(setting.exactly(1), { about: 'of the format', fallback: 1 }),
  interval: optional(duration(), { about: 'time between two looks of `monitor watch`', fallback: 6 * 3_600_000 }),
  export: optional(text(), { about: 'a folder that `monitor export` keeps current, at each look' }),
  models: optional(setting.mapOf(model), { about: 'by their names in the log', fallback: new Map<string, never>() }),
  alerts: optional(
    fields({
      rules: optional(unique(rule, 'rule'), { about: 'when somebody is to be told', fallback: [] }),
      channels: optional(unique(channel, 'channel'), { about: 'how', fallback: [] }),
      cooldown: optional(duration(), { about: 'least time between two notices of one rule and model', fallback: 0 }),
    }),
    { about: 'who is told of what', fallback: { rules: [], channels: [], cooldown: 0 } },
  ),
});

/** `monitor.yaml` with its defaults; times are milliseconds. */
export type MonitorSettings = SettingOf<typeof monitorSettings>;
export type ModelSettings = SettingOf<typeof model>;
export type ChannelSettings = SettingOf<typeof channel>;
export type RuleSettings = AlertRule & Pick<SettingOf<typeof rule>, 'url' | 'run' | 'budget' | 'schema'>;

function unique<Value extends { readonly name: string }>(
  kind: Parameters<typeof setting.listOf<Value>>[0],
  what: string,
): ReturnType<typeof setting.listOf<Value>> {
  return setting.checked(setting.listOf(kind), (items) => {
    const twice = items.find((item, index) => items.findIndex((other) => other.name === item.name) !== index);
    return twice === undefined ? undefined : `two ${what}s are called '${twice.name}'`;
  });
}

export interface FoundSettings {
  readonly file: string;
  /** The folder of the file: relative paths and commands start there. */
  readonly root: string;
  readonly settings: MonitorSettings;
}

/**
 * Reads `monitor.yaml`: the file that is given, or that of one of some folders.
 * @returns undefined where none is given and there is none.
 * @throws MlopsError `bad_settings`, `usage` for a file that is not there.
 */
export function findMonitorSettings(folders: readonly string[], given?: string): FoundSettings | undefined {
  const file = given ?? folders.map((folder) => path.join(folder, monitorFile)).find((one) => fs.existsSync(one));
  if (file === undefined) return undefined;
  let content: string;
  try {
    content = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new MlopsError('usage', `'${file}' cannot be read`, { cause: error });
  }
  const settings = parseSettings(
    { file: path.basename(file), text: content, docs: 'docs/monitoring.md' },
    monitorSettings,
  );
  return { file, root: path.dirname(path.resolve(file)), settings };
}
