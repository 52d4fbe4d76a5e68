import { didYouMean, isMlopsError, messageOf, MlopsError } from '../../base/index.ts';

export const ruleKinds = ['split', 'canary', 'shadow', 'thompson', 'epsilon'] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** One side of a rule. */
export interface RuleArm {
  readonly name: string;
  /** A version's number. */
  readonly version: string;
  readonly weight?: number;
}

/** How long a canary gets a share of the requests. */
export interface RuleStep {
  readonly percent: number;
  /** Requests of all arms together. */
  readonly count?: number;
  readonly minutes?: number;
}

/** When a canary is taken back. */
export interface Rollback {
  readonly error_rate?: number;
  readonly p95_ms?: number;
  /** The mean of an outcome that feedback brings, and what it must not fall below. */
  readonly metric?: string;
  readonly below?: number;
}

/** How the requests for a model that name no version are divided. The keys are those of the file format. */
export interface TrafficRule {
  readonly kind: RuleKind;
  /** Of a canary and a shadow the first one is the old or live one. */
  readonly arms: readonly RuleArm[];
  /** Requests with the same key fall into the same arm. */
  readonly sticky?: { readonly header: string } | { readonly cookie: string };
  readonly steps?: readonly RuleStep[];
  readonly rollback?: Rollback;
  /** Of a shadow: the share of requests that is copied. Of epsilon: the share that explores. */
  readonly share?: number;
}

type Fields = Readonly<Record<string, unknown>>;

const ruleKeys = ['kind', 'arms', 'sticky', 'steps', 'rollback', 'share'];
/** The characters of a header's or cookie's name (RFC 9110, token). */
const nameForm = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
const mostArms = 20;

/**
 * A rule as a person wrote it, checked.
 *
 * @throws MlopsError `invalid_value` naming the field.
 */
export function readRule(value: unknown): TrafficRule {
  const fields = objectOf(value, 'the rule', ruleKeys);
  const kind = ruleKinds.find((one) => one === fields['kind']);
  if (kind === undefined) throw wrong('kind', `is one of ${ruleKinds.join(', ')}`, fields['kind']);
  const arms = armsOf(fields['arms'], kind);
  const { sticky, steps, rollback, share } = fields;
  const only = (field: string, kinds: readonly RuleKind[]): void => {
    if (!kinds.includes(kind))
      throw new MlopsError('invalid_value', `'${field}' belongs to ${kinds.join(' and ')}, not to ${kind}`);
  };
  if (steps !== undefined) only('steps', ['canary']);
  if (rollback !== undefined) only('rollback', ['canary']);
  if (share !== undefined) only('share', ['shadow', 'epsilon']);
  return {
    kind,
    arms,
    ...(sticky === undefined ? {} : { sticky: stickyOf(sticky) }),
    ...(steps === undefined ? {} : { steps: listOf(steps, 'steps').map(stepOf) }),
    ...(rollback === undefined ? {} : { rollback: rollbackOf(rollback) }),
    ...(share === undefined ? {} : { share: between(share, 'share', 0, 1) }),
  };
}

/**
 * The same, where every version must be there.
 *
 * @param resolve throws for a version that is not.
 */
export async function readKnownRule(
  value: unknown,
  resolve: (version: string) => Promise<unknown>,
): Promise<TrafficRule> {
  const rule = readRule(value);
  for (const { name, version } of rule.arms) {
    try {
      await resolve(version);
    } catch (error) {
      if (!isMlopsError(error, 'model_not_found') && !isMlopsError(error, 'resource_missing')) throw error;
      throw new MlopsError('invalid_value', `arm '${name}': ${messageOf(error)}`, { cause: error });
    }
  }
  return rule;
}

function armsOf(value: unknown, kind: RuleKind): RuleArm[] {
  const arms = listOf(value, 'arms').map(armOf);
  if (arms.length > mostArms) throw wrong('arms', `are at most ${mostArms}`, arms.length);
  const seen = new Set<string>();
  for (const { name } of arms) {
    if (seen.has(name)) throw new MlopsError('invalid_value', `two arms are called '${name}'`);
    seen.add(name);
  }
  if ((kind === 'canary' || kind === 'shadow') && arms.length !== 2) {
    throw new MlopsError(
      'invalid_value',
      `a ${kind} has two arms, the ${kind === 'canary' ? 'old' : 'live'} one first, not ${arms.length}`,
    );
  }
  if (!arms.some(({ weight = 1 }) => weight > 0)) {
    throw new MlopsError('invalid_value', 'all weights are 0: no arm would get a request');
  }
  return arms;
}

function armOf(value: unknown, index: number): RuleArm {
  const path = `arms[${index}]`;
  const fields = objectOf(value, path, ['name', 'version', 'weight']);
  const { name, version, weight } = fields;
  if (typeof name !== 'string' || !/^[^\p{Cc}]{1,100}$/u.test(name)) {
    throw wrong(`${path}.name`, 'is a text of 1 to 100 characters', name);
  }
  const number = typeof version === 'number' ? String(version) : version;
  if (typeof number !== 'string' || !/^[1-9]\d{0,14}$/.test(number)) {
    throw wrong(`${path}.version`, "is a version's number", version);
  }
  return { name, version: number, ...(weight === undefined ? {} : { weight: between(weight, `${path}.weight`, 0) }) };
}

function stickyOf(value: unknown): NonNullable<TrafficRule['sticky']> {
  const { header, cookie } = objectOf(value, 'sticky', ['header', 'cookie']);
  if ((header === undefined) === (cookie === undefined))
    throw wrong('sticky', 'is {"header": NAME} or {"cookie": NAME}', value);
  const name = header ?? cookie;
  if (typeof name !== 'string' || !nameForm.test(name)) throw wrong('sticky', 'names a header or a cookie', name);
  return header === undefined ? { cookie: name } : { header: name };
}

function stepOf(value: unknown, index: number): RuleStep {
  const path = `steps[${index}]`;
  const { percent, count, minutes } = objectOf(value, path, ['percent', 'count', 'minutes']);
  if (count !== undefined && minutes !== undefined) throw wrong(path, "has 'count' or 'minutes', not both", value);
  const share = above(percent, `${path}.percent`);
  if (share > 100) throw wrong(`${path}.percent`, 'is at most 100', percent);
  if (count !== undefined && !Number.isSafeInteger(above(count, `${path}.count`)))
    throw wrong(`${path}.count`, 'is a whole number', count);
  return {
    percent: share,
    ...(count === undefined ? {} : { count: count as number }),
    ...(minutes === undefined ? {} : { minutes: above(minutes, `${path}.minutes`) }),
  };
}

function rollbackOf(value: unknown): Rollback {
  const {
    error_rate: rate,
    p95_ms: p95,
    metric,
    below,
  } = objectOf(value, 'rollback', [...['error_rate', 'p95_ms', 'metric', 'below']]);
  if ((metric === undefined) !== (below === undefined)) {
    throw wrong('rollback', "names a 'metric' and what it must not fall 'below'", value);
  }
  if (rate === undefined && p95 === undefined && metric === undefined) {
    throw wrong('rollback', "says 'error_rate', 'p95_ms', or 'metric' and 'below'", value);
  }
  if (metric !== undefined && (typeof metric !== 'string' || metric === ''))
    throw wrong('rollback.metric', 'is a name', metric);
  return {
    ...(rate === undefined ? {} : { error_rate: between(rate, 'rollback.error_rate', 0, 1) }),
    ...(p95 === undefined ? {} : { p95_ms: above(p95, 'rollback.p95_ms') }),
    ...(metric === undefined ? {} : { metric, below: between(below, 'rollback.below', -Infinity) }),
  };
}

function objectOf(value: unknown, path: string, keys: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'is an object', value);
  const strange = Object.keys(value).find((key) => !keys.includes(key));
  if (strange === undefined) return value as Fields;
  throw new MlopsError('invalid_value', `${path} has the unknown key '${strange.slice(0, 100)}'`, {
    hint: didYouMean(strange, keys) ?? `keys: ${keys.join(', ')}`,
  });
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw wrong(path, 'is a list of at least one', value);
}

function between(value: unknown, path: string, least: number, most = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most) return value;
  const range = most === Infinity ? (least === 0 ? ', not below 0' : '') : ` from ${least} to ${most}`;
  throw wrong(path, `is a number${range}`, value);
}

function above(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw wrong(path, 'is a number above 0', value);
}

function wrong(path: string, what: string, got: unknown): MlopsError {
  const shown = got === undefined ? 'is missing' : `not ${JSON.stringify(got)?.slice(0, 100) ?? 'that'}`;
  return new MlopsError('invalid_value', `${path} ${what}${got === undefined ? '; it ' : ', '}${shown}`, {
    data: { field: path },
  });
}
