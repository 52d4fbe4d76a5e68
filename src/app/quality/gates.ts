import { groupBy, isMlopsError, messageOf, MlopsError } from '../../base/index.ts';
import type { ModelVersion, Run, Stage } from '../../mlflow/index.ts';
import { pairedDifference } from '../../monitor/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { DataPlaces } from '../monitor/data-source.ts';
import { metricsOf } from '../registry/promote.ts';
import { isStage, modelNamed, versionIfAny } from '../registry/resolve-model.ts';
import { driftGate } from './drift-gate.ts';
import type { GateKind, GateResult, ModelCheck } from './gate-result.ts';
import { gatesOf, type Gates, type StageGates } from './gates-file.ts';
import { requiredGates, sizeGate } from './required-gates.ts';
import { requireColumn, scoreOf, TestBench, valueAt } from './test-rows.ts';

export interface GateContext {
  readonly store: TrackingStore;
  readonly gates: Gates;
  readonly places: DataPlaces;
  readonly onStep?: ((what: string) => void) | undefined;
}

interface Checked extends GateContext {
  readonly version: ModelVersion;
  readonly run: Run | undefined;
  readonly stage: StageGates;
  readonly bench: TestBench;
}

/**
 * Holds a version against the gates of a stage. What a gate cannot judge fails it; a file that gates.yaml names wrongly
 * is an error of gates.yaml.
 *
 * @throws MlopsError `table_missing`, `bad_settings`.
 */
export async function checkModel(context: GateContext, version: ModelVersion, stage: Stage): Promise<ModelCheck> {
  const { gates } = context;
  const own = gatesOf(gates, version.name, stage);
  const results = own === undefined ? [] : await runGates(context, version, own);
  const { name: model, version: number } = version;
  return {
    model,
    version: number,
    stage,
    success: results.every((result) => result.passed),
    gates_hash: gates.hash,
    checked_at: new Date().toISOString(),
    gates: results,
  };
}

async function runGates(context: GateContext, version: ModelVersion, stage: StageGates): Promise<GateResult[]> {
  const bench = new TestBench(context.store, context.gates.folder, new Set(stage.slices?.map(({ column }) => column)));
  const run = version.runId === '' ? undefined : await context.store.getRun(version.runId).catch(() => undefined);
  const checked: Checked = { ...context, version, run, stage, bench };
  try {
    const results: GateResult[] = [...(await metricGates(checked))];
    results.push(
      ...(await guarded('required', 'version', () =>
        requiredGates(context.store, version, run, stage.required, context.places.cwd),
      )),
    );
    results.push(...(await guarded('size_mb', 'size', () => sizeGate(context.store, version, stage.size_mb))));
    for (const gate of stage.not_worse ?? []) {
      context.onStep?.(`comparing ${gate.metric} with ${gate.than}`);
      results.push(...(await guarded('not_worse', `${gate.metric} than ${gate.than}`, () => notWorse(checked, gate))));
    }
    for (const gate of stage.slices ?? []) {
      context.onStep?.(`${gate.metric} by ${gate.column}`);
      results.push(...(await guarded('slices', `${gate.metric} by ${gate.column}`, () => slices(checked, gate))));
    }
    results.push(...(await guarded('latency_ms', 'p95', () => latency(checked))));
    results.push(...(await guarded('drift', 'training data', () => driftGate(context, version, run, stage.drift))));
    return results;
  } finally {
    await bench.close();
  }
}

/** What gates.yaml itself gets wrong; everything else that goes wrong fails the gate. */
const ownErrors = ['table_missing', 'bad_settings', 'interrupted', 'usage'] as const;

async function guarded(gate: GateKind, name: string, judge: () => Promise<GateResult[]>): Promise<GateResult[]> {
  try {
    return await judge();
  } catch (error) {
    if (!isMlopsError(error) || ownErrors.some((code) => isMlopsError(error, code))) throw error;
    return [{ gate, name, passed: false, expected: 'can be judged', found: hinted(error) }];
  }
}

/** What went wrong, and what to do about it. */
function hinted(error: MlopsError): string {
  return [messageOf(error), error.hint].filter((part) => part !== undefined).join('; ');
}

async function metricGates({ store, version, stage }: Checked): Promise<GateResult[]> {
  const metrics = await metricsOf(store, version);
  return (stage.metrics ?? []).map(({ metric, min = -Infinity, max = Infinity }): GateResult => {
    const key = metric.replace(/^metrics\./, '');
    const value = metrics.get(key) ?? metrics.get(metric);
    const bounds = [...(min === -Infinity ? [] : [`at least ${min}`]), ...(max === Infinity ? [] : [`at most ${max}`])];
    const passed = value !== undefined && value >= min && value <= max;
    const found = value === undefined ? 'the run has no such metric' : String(value);
    return { gate: 'metrics', name: key, passed, expected: bounds.join(', '), found };
  });
}

type NotWorse = NonNullable<StageGates['not_worse']>[number];

async function notWorse({ store, version, bench }: Checked, gate: NotWorse): Promise<GateResult[]> {
  const { than, metric, data, target, margin, confidence, seed } = gate;
  const name = `${metric} than ${than}`;
  const expected = `not worse by more than ${margin} (${100 * confidence} %)`;
  const result = (passed: boolean, found: string, more: Partial<GateResult> = {}): GateResult[] => [
    { gate: 'not_worse', name, passed, expected, found, ...more },
  ];
  const model = await modelNamed(store, version.name);
  const rival = await versionIfAny(store, model, than);
  if (rival === undefined) {
    if (isStage(than)) return result(true, `no version in ${than}`, { skipped: true });
    throw new MlopsError('bad_settings', `'${than}' names no version of ${version.name}`, {
      hint: 'name a stage, an @alias or a version',
    });
  }
  if (rival.version === version.version) return result(true, 'it is that version itself', { skipped: true });
  const own = await bench.judged(version, data, target);
  const other = await bench.judged(rival, data, target);
  const all = [...own, ...other];
  const found = pairedDifference(scoreOf(metric, own, all), scoreOf(metric, other, all), { confidence, seed });
  if ('reason' in found) return result(false, found.reason);
  const { difference, low, high, draws } = found;
  const sign = difference > 0 ? '+' : '';
  const better = `${sign}${short(difference)} [${short(low)}, ${short(high)}] against version ${rival.version}`;
  return result(high >= -margin, better, {
    details: { than: rival.version, difference, low, high, margin, confidence, seed, draws, n: own.length },
  });
}

type Slice = NonNullable<StageGates['slices']>[number];

async function slices({ version, bench }: Checked, gate: Slice): Promise<GateResult[]> {
  const { column, metric, data, target, min } = gate;
  const rows = await bench.rows(data);
  const by = requireColumn(rows, column, data);
  const truth = requireColumn(rows, target, data);
  const all = await bench.judged(version, data, target);
  // Rows without a target were left out.
  const kept = Array.from({ length: by.rows }, (_, row) => row).filter((row) => valueAt(truth, row) !== undefined);
  let next = 0;
  const groups = groupBy(all, () => String(valueAt(by, kept[next++] as number) ?? 'missing'));
  return [...groups].map(([value, some]): GateResult => {
    const score = scoreOf(metric, some, all);
    const found = score.value();
    const isGood = typeof found === 'number' && (score.lessIsBetter ? found <= min : found >= min);
    return {
      gate: 'slices',
      name: `${metric} where ${column}=${value}`,
      passed: isGood,
      expected: score.lessIsBetter ? `at most ${min}` : `at least ${min}`,
      found: typeof found === 'number' ? `${short(found)} of ${some.length} rows` : found.reason,
      details: { column, value, metric, min, score: typeof found === 'number' ? found : null, n: some.length },
    };
  });
}

async function latency({ version, bench, stage }: Checked): Promise<GateResult[]> {
  const { latency_ms: limit } = stage;
  if (limit === undefined) return [];
  const data = stage.not_worse?.[0] ?? stage.slices?.[0];
  const runner = await bench.runner(version);
  const rows = data === undefined ? undefined : { rows: await bench.rows(data.data), target: data.target };
  const taken = (await runner.latencies(rows, bench.slices)).toSorted((a, b) => a - b);
  const p95 = taken[Math.min(taken.length - 1, Math.ceil(0.95 * taken.length) - 1)] ?? Infinity;
  return [
    {
      gate: 'latency_ms',
      name: 'p95',
      passed: p95 <= limit.p95,
      expected: `at most ${limit.p95} ms`,
      found: `${short(p95)} ms of ${taken.length} requests`,
      details: { p95, requests: taken.length },
    },
  ];
}

const short = (value: number): string => String(Number(value.toPrecision(4)));
