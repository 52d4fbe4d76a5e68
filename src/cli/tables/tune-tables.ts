import { formatDuration } from '../../base/index.ts';
import type { FullTrial, Params, StudySpec } from '../../tune/index.ts';
import type { Column } from './text-table.ts';

/** A trial for programs: the keys of `--json`. */
export function trialJson(trial: FullTrial): Record<string, unknown> {
  const { number, state, params, values, intermediate, constraints, facts } = trial;
  return {
    number,
    state,
    params,
    values: values.map(jsonReal),
    ...(intermediate.size > 0
      ? { intermediate: Object.fromEntries([...intermediate].map(([step, value]) => [step, jsonReal(value)])) }
      : {}),
    ...(constraints.length > 0
      ? { constraints: constraints.map(jsonReal), feasible: constraints.every((c) => c <= 0) }
      : {}),
    ...(Object.keys(facts.metrics).length > 0 ? { metrics: facts.metrics } : {}),
    run_id: facts.runId ?? null,
    started_at: facts.startedAt,
    ended_at: facts.endedAt ?? null,
    attempt: facts.attempt,
    ...(facts.worker === undefined ? {} : { worker: facts.worker }),
    ...(facts.foreign ? { foreign: true } : {}),
    ...(facts.enqueued ? { enqueued: true } : {}),
    ...(facts.restored.length > 0 ? { restored: facts.restored } : {}),
    ...(facts.reason === undefined ? {} : { reason: facts.reason }),
    ...(facts.log === undefined || facts.log === '' ? {} : { log: facts.log }),
  };
}

/** JSON has no infinities. */
function jsonReal(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** How many trials there are in each state. */
export function countStates(trials: readonly { readonly state: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of trials) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export function showNumber(value: number | undefined): string {
  if (value === undefined) return '-';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

export function showParams(params: Params): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${showParam(value)}`)
    .join(' ');
}

export function showParam(value: Params[string] | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return showNumber(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `val.acc=0.93 size=12` */
export function showValues(trial: FullTrial, spec: StudySpec): string {
  if (spec.objectives.length === 1) return showNumber(trial.values[0]);
  return spec.objectives.map((name, i) => `${name}=${showNumber(trial.values[i])}`).join(' ');
}

export function trialTable(
  trials: readonly FullTrial[],
  spec: StudySpec,
): { readonly header: readonly Column[]; readonly rows: readonly (readonly string[])[] } {
  const names = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))];
  return {
    header: [
      { title: 'TRIAL', align: 'right', drop: 0 },
      { title: 'STATE', drop: 0 },
      ...spec.objectives.map((title) => ({ title, align: 'right' as const, drop: 0 })),
      ...names.map((title) => ({ title })),
      { title: 'TIME', align: 'right', drop: 3 },
      { title: 'WHY', drop: 2 },
    ],
    rows: trials.map((trial) => [
      String(trial.number),
      trial.state,
      ...spec.objectives.map((_, i) => showNumber(trial.values[i])),
      ...names.map((name) => showParam(trial.params[name])),
      took(trial),
      trial.facts.reason ?? '',
    ]),
  };
}

export function took({ facts }: FullTrial): string {
  return facts.endedAt === undefined ? '' : formatDuration(facts.endedAt - facts.startedAt);
}
