import { randomInt } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError, parseNumber, PyFloat, toPlain, type PyValue } from '../../base/index.ts';
import { parseSettings, parseYaml, shellQuote } from '../../project/index.ts';
import type { Params } from '../../tune/index.ts';
import type { Constraint, MetricSource, Objective, TuneSettings } from './settings.ts';
import { parseShort, parseShortDomain } from './short-space.ts';
import { partsOfFile, tuneFile, usualTerminator, type TuneParts } from './tune-yaml.ts';

/** What the command line says; each goes before the file. */
export interface TuneFlags {
  /** `tune.yaml` where there is one. */
  readonly file?: string | undefined;
  readonly study?: string | undefined;
  readonly space: readonly string[];
  /** `FILE:KEY`, `tracking:KEY`, `stdout:KEY`, each perhaps with `:max` or `:min`. */
  readonly metrics: readonly string[];
  readonly goal?: 'maximize' | 'minimize' | undefined;
  readonly target?: number | undefined;
  readonly trials?: number | undefined;
  readonly parallel?: number | undefined;
  readonly timeout?: number | undefined;
  readonly trialTimeout?: number | undefined;
  readonly retries?: number | undefined;
  readonly maxFailed?: number | undefined;
  readonly noImprovement?: number | undefined;
  readonly sampler?: string | undefined;
  readonly seed?: number | undefined;
  readonly pruner?: string | undefined;
  readonly dedupe?: boolean | undefined;
  /** JSON mappings. */
  readonly enqueue: readonly string[];
  /** `FILE:KEY<=NUMBER` or `>=`. */
  readonly constraints: readonly string[];
  /** `FILE:KEY<=NUMBER`: the sum of all trials. */
  readonly cost?: string | undefined;
  readonly terminator?: boolean | undefined;
  /** What the pruner sees, written as a metric. */
  readonly progress?: string | undefined;
  readonly params?: string | undefined;
  readonly outs: readonly string[];
  readonly pipeline?: string | undefined;
  readonly join?: boolean | undefined;
  readonly warmStart: readonly string[];
  readonly fromRuns?: string | undefined;
  readonly experiment?: string | undefined;
  readonly targets: readonly string[];
  /** A command instead of a pipeline. */
  readonly command: readonly string[];
}

export const tuneFileName = 'tune.yaml';

/**
 * A study as the file and the flags describe it.
 *
 * @param root the project's folder.
 * @throws MlopsError `bad_settings` for the file, `usage` for flags, `tune_space` where there is nothing to search.
 */
export function readTune(root: string, flags: TuneFlags): TuneSettings {
  const file = flags.file ?? tuneFileName;
  const text = readText(path.resolve(root, file), flags.file !== undefined);
  const parts = partsOfFile(parseSettings({ file, text: text ?? '{}', docs: 'docs/tuning.md' }, tuneFile));
  const { space, grid } = spaceOf(root, file, parts, flags);
  const sampler = samplerOf(parts, flags, grid);
  const job: TuneSettings['job'] =
    flags.command.length > 0
      ? { kind: 'command', command: commandText(flags.command) }
      : parts.job.kind === 'pipeline'
        ? {
            kind: 'pipeline',
            file: flags.pipeline ?? parts.job.file,
            targets: flags.targets.length > 0 ? flags.targets : parts.job.targets,
          }
        : parts.job;
  return {
    ...parts,
    study: flags.study ?? parts.study ?? studyName(root, file),
    job,
    space,
    sampler,
    pruner: flags.pruner === undefined ? parts.pruner : readNamed(flags.pruner, '--pruner'),
    progress:
      flags.progress === undefined ? parts.progress : { source: readMetric(flags.progress).source, step: undefined },
    constraints: [...parts.constraints, ...flags.constraints.map(readBound)],
    cost: flags.cost === undefined ? parts.cost : readCost(flags.cost),
    terminator:
      flags.terminator === undefined
        ? parts.terminator
        : flags.terminator
          ? (parts.terminator ?? usualTerminator)
          : undefined,
    params: flags.params ?? parts.params,
    outs: [...parts.outs, ...flags.outs],
    join: flags.join ?? parts.join,
    objectives: objectivesOf(parts, flags),
    trials: flags.trials ?? parts.trials,
    parallel: flags.parallel ?? parts.parallel,
    timeout: flags.timeout ?? parts.timeout,
    noImprovement: flags.noImprovement ?? parts.noImprovement,
    maxFailed: flags.maxFailed ?? parts.maxFailed,
    trial: {
      timeout: flags.trialTimeout ?? parts.trial.timeout,
      retries: flags.retries ?? parts.trial.retries,
    },
    dedupe: flags.dedupe ?? parts.dedupe,
    enqueue: [...parts.enqueue, ...flags.enqueue.map(readParams)],
    warmStart: [...parts.warmStart, ...flags.warmStart],
    fromRuns: flags.fromRuns ?? parts.fromRuns,
    experiment: flags.experiment ?? parts.experiment,
  };
}

function readText(file: string, needed: boolean): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT') || needed) {
      if (!isSystemError(error, 'ENOENT', 'EISDIR', 'ENOTDIR')) throw error;
      throw new MlopsError('bad_settings', `there is no file '${file}'`, { hint: 'name another one with --file' });
    }
    return undefined;
  }
}

/** The file's name, or the project's where it is the usual file. */
function studyName(root: string, file: string): string {
  const own = path.basename(file).replace(/\.ya?ml$/, '');
  return own === 'tune' ? path.basename(root) : own;
}

function spaceOf(
  root: string,
  file: string,
  parts: TuneParts,
  flags: TuneFlags,
): { readonly space: Record<string, unknown>; readonly grid: boolean } {
  const space: Record<string, unknown> = {};
  const short = flags.space.map((text) => parseShort(text, root));
  for (const [name, domain] of Object.entries(parts.space)) space[name] = domainOf(name, domain, file, root);
  for (const { name, domain } of short) space[name] = domain;
  if (Object.keys(space).length === 0) {
    throw new MlopsError('tune_space', 'the space is empty: there is nothing to search', {
      hint: `write a space in ${tuneFileName}, or -S 'train.lr=log(1e-5,1e-1)'`,
    });
  }
  const grid = short.some(({ swept }) => swept) && Object.values(space).every(isFiniteDomain);
  return { space, grid };
}

function isFiniteDomain(domain: unknown): boolean {
  const { type, step } = domain as { readonly type?: string; readonly step?: number };
  return type !== 'float' || step !== undefined;
}

/** `{float: [LOW, HIGH], log, step, when}`, `{int: ...}`, `{choice: [...]}`, their short form as text, or the form of `tune drive`. */
function domainOf(name: string, given: PyValue, file: string, root: string): Readonly<Record<string, unknown>> {
  if (typeof given === 'string') return parseShortDomain(given, `${name}: ${given}`, root).domain;
  if (Array.isArray(given)) return { type: 'categorical', choices: given.map(toPlain) };
  const fields = toPlain(given) as Readonly<Record<string, unknown>> | null;
  if (typeof fields !== 'object' || fields === null) return { type: 'categorical', choices: [fields] };
  const { float, int, choice, ...rest } = fields;
  const ranges = Object.entries({ float, int }).filter(([, range]) => range !== undefined);
  const count = ranges.length + (choice === undefined ? 0 : 1);
  if (count === 0) return fields;
  if (count > 1) {
    throw new MlopsError('tune_space', `${file}: '${name}' is one of float, int and choice, not several`);
  }
  if (choice !== undefined) return { type: 'categorical', choices: choice, ...rest };
  const [type, range] = ranges[0] as [string, unknown];
  if (!Array.isArray(range) || range.length !== 2) {
    throw new MlopsError('tune_space', `${file}: '${name}': '${type}' takes its two ends, [LOW, HIGH]`);
  }
  return { type, low: range[0] as unknown, high: range[1] as unknown, ...rest };
}

function samplerOf(parts: TuneParts, flags: TuneFlags, grid: boolean): Readonly<Record<string, unknown>> {
  const own = flags.sampler === undefined ? parts.sampler : readNamed(flags.sampler, '--sampler');
  const chosen = own ?? { name: grid ? 'grid' : 'tpe' };
  const seed = flags.seed ?? chosen['seed'];
  return seed === undefined ? chosen : { ...chosen, seed };
}

/** Who gives no seed gets one, which is kept with the study. */
export function seeded(sampler: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return sampler['seed'] === undefined ? { ...sampler, seed: randomInt(2 ** 31) } : sampler;
}

function objectivesOf(parts: TuneParts, flags: TuneFlags): readonly Objective[] {
  const given = flags.metrics.map((text) => readMetric(text, flags.goal));
  const found = given.length > 0 ? given : parts.objectives;
  const [only] = found;
  if (only === undefined || found.length > 1) return found;
  return [{ ...only, direction: flags.goal ?? only.direction, target: flags.target ?? only.target }];
}

/** `FILE:KEY`, `tracking:KEY`, `stdout:KEY`, `FILE`, with `:max` or `:min` behind it. */
export function readMetric(text: string, goal: Objective['direction'] = 'minimize'): Objective {
  const [, rest = text, said] = /^(.+):(max|min|maximize|minimize)$/.exec(text) ?? [];
  const colon = rest.indexOf(':');
  const [place, key] = colon < 0 ? [rest, ''] : [rest.slice(0, colon), rest.slice(colon + 1)];
  const source: MetricSource =
    place === 'tracking' || place === 'stdout' ? { kind: place, key } : { kind: 'file', file: place, key };
  if (place === '' || (source.kind !== 'file' && key === '')) {
    throw new MlopsError('usage', `'${text}' is no metric`, {
      hint: 'write --metric metrics.json:val.acc, --metric tracking:acc or --metric stdout:acc',
    });
  }
  return { source, direction: said === undefined ? goal : said.startsWith('max') ? 'maximize' : 'minimize' };
}

/** `NAME` or `NAME,KEY=VALUE,...`. */
function readNamed(text: string, flag: string): Readonly<Record<string, unknown>> {
  const [name = '', ...rest] = text.split(',');
  const entries = rest.map((part) => {
    const [, key, value] = /^\s*([\w-]+)=(.*)$/.exec(part) ?? [];
    if (key === undefined || value === undefined) {
      throw new MlopsError('usage', `${flag} '${text}': '${part}' is no KEY=VALUE`);
    }
    return [key, toPlain(parseYaml(value, flag))] as const;
  });
  return { name: name.trim(), ...Object.fromEntries(entries) };
}

function readBound(text: string): Constraint {
  const at = text.search(/[<>]=/);
  const [metric, sign, number] = at < 1 ? [] : [text.slice(0, at), text.slice(at, at + 2), text.slice(at + 2)];
  const bound = number === undefined ? undefined : parseNumber(number);
  if (metric === undefined || bound === undefined || Number.isNaN(bound)) {
    throw new MlopsError('usage', `'${text}' is no constraint`, {
      hint: `write --constraint 'metrics.json:size<=100'`,
    });
  }
  const { source } = readMetric(metric.trim());
  return sign === '<=' ? { source, max: bound } : { source, min: bound };
}

function readCost(text: string): TuneSettings['cost'] {
  const { source, max } = readBound(text);
  if (max !== undefined) return { source, max };
  throw new MlopsError('usage', `'${text}' is no budget`, { hint: `write --cost 'metrics.json:usd<=50'` });
}

function readParams(text: string): Params {
  try {
    const params: unknown = JSON.parse(text);
    if (typeof params === 'object' && params !== null && !Array.isArray(params)) return params as Params;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new MlopsError('usage', `'${text}' are no params`, { hint: `write --enqueue '{"train.lr": 0.001}'` });
}

/** Words as a shell reads them again. */
function commandText(words: readonly string[]): string {
  const [only] = words;
  if (words.length === 1 && only !== undefined) return only;
  // `${NAME}` stays open, for a parameter.
  return words.map((word) => (/^[\w@%+=:,./${}-]+$/.test(word) ? word : shellQuote(word))).join(' ');
}

/** A parameter's value as params files have it: floats stay floats. */
export function fileValue(value: Params[string], isFloat: boolean): PyValue {
  if (typeof value === 'number') return isFloat || !Number.isInteger(value) ? new PyFloat(value) : value;
  if (Array.isArray(value)) return value.map((each: Params[string]) => fileValue(each, false));
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value as Params).map(([key, each]) => [key, fileValue(each, false)]));
  }
  return value;
}
