import { isMlopsError, MlopsError } from '../base/index.ts';
import { isOpen } from './parzen.ts';
import { estimators, splitOf } from './samplers/tpe.ts';
import { object, only } from './fields.ts';
import { readStudy } from './read-study.ts';
import { lastValue, type Outcome, type Study } from './study.ts';
import { contains, type Params, type ParamValue } from './space.ts';
import type { Trial, TrialState } from './trial.ts';

/**
 * A sampler behind JSON lines, for people who drive their own loop in any language: each request is one line, its
 * answer one line. A request that is wrong answers `{"error": {"code", "message"}}`, and the study goes on.
 * docs/tuning.md is its reference.
 */
export class Driver {
  #study: Study | undefined;

  /** Answers one line, without its end. Never throws for what the line says. */
  answer(line: string): string {
    try {
      return write(this.#act(parse(line)));
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      const hint = error.hint === undefined ? '' : ` (${error.hint})`;
      return write({ error: { code: error.code, message: `${error.message}${hint}` } });
    }
  }

  #act(request: Readonly<Record<string, unknown>>): unknown {
    const verbs = Object.keys(request);
    const verb = verbs[0];
    if (verb === undefined || verbs.length > 1) {
      throw new MlopsError('tune_request', 'a request is a mapping with one key: what to do');
    }
    only(request, ['study', 'ask', 'tell', 'report', 'add', 'best', 'trials', 'score'], 'request');
    const body = request[verb];
    if (verb === 'study') {
      this.#study = readStudy(body);
      return { ok: true };
    }
    const study = this.#study;
    if (study === undefined) throw new MlopsError('tune_request', `'${verb}' before 'study': describe the study first`);
    if (verb === 'ask') return ask(study, body);
    if (verb === 'tell') return tell(study, body);
    if (verb === 'report') return report(study, body);
    if (verb === 'add') return add(study, body);
    if (verb === 'best') return best(study);
    if (verb === 'trials') return { trials: study.trials.map(asData) };
    return score(study, body);
  }
}

function parse(line: string): Readonly<Record<string, unknown>> {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    throw new MlopsError('tune_request', `not JSON: ${(error as Error).message}`);
  }
  return object(data, 'request');
}

/** JSON has no infinities: they are written as the words that `values` also takes. */
function write(answer: unknown): string {
  return JSON.stringify(answer, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

function ask(study: Study, count: unknown): unknown {
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > 10_000) {
    throw new MlopsError('tune_request', `'ask' takes how many trials, a whole number from 1 to 10000`);
  }
  const trials = Array.from({ length: count }, () => study.ask());
  const answers = trials.map(({ number, params }) => ({ number, params }));
  return count === 1 ? answers[0] : { trials: answers };
}

function tell(study: Study, body: unknown): unknown {
  const fields = object(body, 'tell');
  only(fields, ['number', 'values', 'value', 'state', 'intermediate', 'constraints'], 'tell');
  const state = readState(fields['state'] ?? 'COMPLETE');
  if (state === 'RUNNING') throw new MlopsError('tune_request', `a trial is told as COMPLETE, PRUNED or FAILED`);
  study.tell(readNumber(fields), { ...readOutcome(fields), state });
  return { ok: true };
}

function report(study: Study, body: unknown): unknown {
  const fields = object(body, 'report');
  only(fields, ['number', 'step', 'value'], 'report');
  const step = fields['step'];
  if (typeof step !== 'number' || !Number.isInteger(step) || step < 0) {
    throw new MlopsError('tune_request', `'step' is a whole number from 0`);
  }
  return { prune: study.report(readNumber(fields), step, real(fields['value'], 'value')) };
}

function add(study: Study, body: unknown): unknown {
  const list: readonly unknown[] = Array.isArray(body) ? body : [body];
  const known = ['number', 'state', 'params', 'values', 'value', 'intermediate', 'constraints'];
  const trials = list.map((item) => {
    const fields = object(item, 'add');
    only(fields, known, 'add');
    const number = fields['number'] === undefined ? {} : { number: readNumber(fields) };
    const params = object(fields['params'], 'params') as Params;
    return { ...readOutcome(fields), ...number, params, state: readState(fields['state'] ?? 'COMPLETE') };
  });
  for (const trial of trials) study.add(trial);
  return { ok: true };
}

function best(study: Study): unknown {
  const trials = study.best();
  if (study.directions.length > 1) return { trials: trials.map(asData) };
  const trial = trials[0];
  if (trial === undefined) throw new MlopsError('tune_request', 'no trial is complete yet');
  return { number: trial.number, params: trial.params, values: trial.values };
}

/** What TPE sees now: the split, its kernels over the parameters of the points, and the points' log densities. */
function score(study: Study, body: unknown): unknown {
  if (!Array.isArray(body) || body.length === 0) throw new MlopsError('tune_request', `'score' takes a list of params`);
  const points = body.map((point) => object(point, 'score') as Params);
  const first = points[0] as Params;
  const parameters = study.space.parameters.filter((parameter) => parameter.name in first && isOpen(parameter));
  for (const point of points) {
    for (const [name, value] of Object.entries(point)) checkPoint(study, first, name, value);
    const missing = parameters.find(({ name }) => point[name] === undefined);
    if (missing !== undefined)
      throw new MlopsError('tune_request', `a point lacks '${missing.name}', the first has it`);
  }
  const split = splitOf(study, -1);
  const [below, above] = estimators(study, split, parameters);
  return {
    below: split.below.map(({ number }) => number),
    above: split.above.map(({ number }) => number),
    kernels: { below: below.data(), above: above.data() },
    log_density: { below: [...below.logDensity(points)], above: [...above.logDensity(points)] },
  };
}

function checkPoint(study: Study, first: Params, name: string, value: ParamValue): void {
  const parameter = study.space.get(name);
  if (parameter === undefined || !(name in first)) {
    throw new MlopsError('tune_request', `'${name}' is no parameter of all points and the study`);
  }
  if (!contains(parameter.domain, value)) {
    throw new MlopsError('tune_request', `'${name}' cannot be ${JSON.stringify(value)}`);
  }
}

function asData(trial: Trial): unknown {
  const value = trial.state === 'PRUNED' ? lastValue(trial) : undefined;
  return {
    number: trial.number,
    state: trial.state,
    params: trial.params,
    values: value === undefined ? trial.values : [value],
    ...(trial.intermediate.size > 0 ? { intermediate: Object.fromEntries(trial.intermediate) } : {}),
    ...(trial.constraints.length > 0 ? { constraints: trial.constraints } : {}),
  };
}

function readNumber(fields: Readonly<Record<string, unknown>>): number {
  const number = fields['number'];
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0) return number;
  throw new MlopsError('tune_request', `'number' is the number of a trial, from 0`);
}

function readState(state: unknown): TrialState {
  const states: Readonly<Record<string, TrialState>> = {
    COMPLETE: 'COMPLETE',
    PRUNED: 'PRUNED',
    FAILED: 'FAILED',
    FAIL: 'FAILED',
    RUNNING: 'RUNNING',
  };
  const known = typeof state === 'string' ? states[state] : undefined;
  if (known !== undefined) return known;
  throw new MlopsError('tune_request', `a state is COMPLETE, PRUNED, FAILED or RUNNING, not ${JSON.stringify(state)}`);
}

function readOutcome(fields: Readonly<Record<string, unknown>>): Omit<Outcome, 'state'> {
  const outcome: { -readonly [K in keyof Omit<Outcome, 'state'>]: Outcome[K] } = {};
  const values = fields['values'] ?? (fields['value'] === undefined ? undefined : [fields['value']]);
  if (values !== undefined && values !== null) outcome.values = reals(values, 'values');
  if (fields['constraints'] !== undefined) outcome.constraints = reals(fields['constraints'], 'constraints');
  if (fields['intermediate'] !== undefined && fields['intermediate'] !== null) {
    const steps = Object.entries(object(fields['intermediate'], 'intermediate'));
    outcome.intermediate = new Map(
      steps.map(([step, value]) => {
        if (!/^\d{1,15}$/.test(step)) throw new MlopsError('tune_request', `'${step}' is no step`);
        return [Number(step), real(value, `intermediate.${step}`)];
      }),
    );
  }
  return outcome;
}

function reals(list: unknown, what: string): number[] {
  if (!Array.isArray(list)) throw new MlopsError('tune_request', `'${what}' is a list of numbers`);
  return list.map((value) => real(value, what));
}

const words: Readonly<Record<string, number>> = {
  NaN: NaN,
  nan: NaN,
  Infinity: Infinity,
  inf: Infinity,
  '-Infinity': -Infinity,
  '-inf': -Infinity,
};

function real(value: unknown, what: string): number {
  const number = typeof value === 'number' ? value : typeof value === 'string' ? words[value] : undefined;
  if (number !== undefined) return number;
  throw new MlopsError('tune_request', `'${what}' holds ${JSON.stringify(value)}, which is no number`);
}
