// What a trial costs beside what it runs, ours and Optuna's in one run: in memory and with durable storage.
// Goals: below 1.5 ms a trial for 100 in memory, 4 ms for 1,000, 5 ms with storage; `tune status` of 100,000 trials in 0.3 s.
import * as fs from 'node:fs';
import * as path from 'node:path';

import { openTracking } from '../src/tracking/index.ts';
import { localDesk, OpenStudy, rowOf, newFacts, type StudySpec } from '../src/tune/index.ts';
import { memoryTrials } from '../src/tune/studies/memory-store.ts';
import type { TrialStore } from '../src/tune/studies/trial-store.ts';
import { machine, median, milliseconds, mlopsCommand, printTable, rival, scratch, sh } from './measure.ts';

const home = scratch('tune', 'disk');
const spec: StudySpec = {
  version: 1,
  space: {
    a: { type: 'float', low: -5, high: 5 },
    b: { type: 'float', low: 1e-5, high: 1, log: true },
    c: { type: 'int', low: 1, high: 9 },
    d: { type: 'categorical', choices: ['x', 'y', 'z'] },
    e: { type: 'float', low: 0, high: 1 },
  },
  directions: ['minimize'],
  objectives: ['v'],
  sampler: { name: 'tpe', seed: 1 },
  pruner: null,
  dedupe: false,
  enqueue: [],
  run: {},
};
const row = { state: 'ACTIVE', reason: '', owner: '', beat: 0, runId: '', createdAt: 1 } as const;

/** Milliseconds a trial. */
async function overhead(store: TrialStore, name: string, trials: number): Promise<number> {
  await store.createStudy({ name, spec: JSON.stringify(spec), ...row });
  const desk = localDesk(await OpenStudy.open(store, name, spec), { trials });
  const startedAt = performance.now();
  for (;;) {
    const next = await desk.ask('bench');
    if (!('trial' in next)) break;
    const { number, params } = next.trial;
    await desk.tell(number, { state: 'COMPLETE', values: [(params['a'] as number) ** 2 + (params['c'] as number)] });
  }
  return (performance.now() - startedAt) / trials;
}

const script = `
import sys, time, warnings
warnings.filterwarnings("ignore")
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
def f(t):
    a = t.suggest_float("a", -5, 5); t.suggest_float("b", 1e-5, 1, log=True); c = t.suggest_int("c", 1, 9)
    t.suggest_categorical("d", ["x", "y", "z"]); t.suggest_float("e", 0, 1)
    return a * a + c
study = optuna.create_study(storage=sys.argv[2] or None, sampler=optuna.samplers.TPESampler(seed=1))
start = time.perf_counter(); study.optimize(f, n_trials=int(sys.argv[1]))
print((time.perf_counter() - start) / int(sys.argv[1]) * 1000)
`;
const python = rival('optuna/bin/python') ?? process.env['OPTUNA_PYTHON'];
function optuna(trials: number, storage: string): string {
  if (python === undefined || !fs.existsSync(python)) return '-';
  return milliseconds(Number(sh([python, '-c', script, String(trials), storage])));
}

console.log(machine());
const store = await openTracking(path.join(home, 'store.db'));
const rows = [
  ['memory, 100 trials', milliseconds(await overhead(memoryTrials(), 'a', 100)), optuna(100, '')],
  ['memory, 1,000 trials', milliseconds(await overhead(memoryTrials(), 'b', 1000)), optuna(1000, '')],
  ['SQLite, 100 trials', milliseconds(await overhead(store.studies, 'c', 100)), optuna(100, `sqlite:///${home}/o.db`)],
];
printTable('A trial, beside its objective', ['', 'mlops', 'Optuna'], rows);

const many = { name: 'many', spec: JSON.stringify(spec), ...row };
await store.studies.createStudy(many);
const trials = Array.from({ length: 100_000 }, (_, number) =>
  rowOf(
    {
      ...{ number, state: 'COMPLETE' as const, params: { a: number % 7, c: 1 }, values: [(number * 7919) % 10007] },
      ...{ intermediate: new Map(), constraints: [], notes: {} },
      facts: { ...newFacts, startedAt: number, endedAt: number + 1 },
    },
    spec.directions,
  ),
);
await store.studies.putTrials('many', trials);
await store.close();
const status = Array.from({ length: 5 }, () => {
  const startedAt = performance.now();
  sh([...mlopsCommand, 'tune', 'status', 'many', '--json'], {
    cwd: home,
    env: { ...process.env, MLFLOW_TRACKING_URI: `sqlite:///${path.join(home, 'store.db')}` },
  });
  return performance.now() - startedAt;
});
printTable('tune status of 100,000 trials', ['', 'mlops'], [['status', milliseconds(median(status))]]);
