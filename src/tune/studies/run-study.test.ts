import { describe, expect, it } from 'vitest';

import type { Params } from '../space.ts';
import type { StudyLimits } from './limits.ts';
import { memoryTrials } from './memory-store.ts';
import { functionObjective, type Objective } from './objective.ts';
import { OpenStudy } from './open-study.ts';
import { localDesk, runStudy } from './run-study.ts';
import { specVersion, type StudySpec } from './spec.ts';
import type { TrialStore } from './trial-store.ts';

const spec = (change: Partial<StudySpec> = {}): StudySpec => ({
  version: specVersion,
  space: { x: { type: 'float', low: -5, high: 5 }, kind: { type: 'categorical', choices: ['a', 'b'] } },
  directions: ['minimize'],
  objectives: ['value'],
  sampler: { name: 'tpe', seed: 3, startup: 5 },
  pruner: null,
  dedupe: false,
  enqueue: [],
  run: {},
  ...change,
});

async function newStore(of: StudySpec): Promise<TrialStore> {
  const store = memoryTrials();
  await store.createStudy({
    ...{
      name: 's',
      spec: JSON.stringify(of),
      state: 'ACTIVE',
      reason: '',
      owner: '',
      beat: 0,
      runId: '',
      createdAt: 1,
    },
  });
  return store;
}

const square = functionObjective(({ params }) => (params['x'] as number) ** 2 + (params['kind'] === 'a' ? 0 : 1));

interface Ran {
  readonly study: OpenStudy;
  readonly reason: string | undefined;
  readonly params: readonly Params[];
}

async function go(
  of: StudySpec,
  limits: StudyLimits,
  how: {
    store?: TrialStore;
    objective?: Objective;
    parallel?: number;
    retries?: number;
    signal?: AbortSignal;
    trialTimeout?: number;
  } = {},
): Promise<Ran> {
  const store = how.store ?? (await newStore(of));
  const study = await OpenStudy.open(store, 's', of);
  const done = await runStudy(localDesk(study, limits), how.objective ?? square, {
    parallel: how.parallel ?? 1,
    worker: 'w',
    retries: how.retries ?? 0,
    trialTimeout: how.trialTimeout,
    signal: how.signal ?? new AbortController().signal,
    onEvent: () => undefined,
  });
  return { study, reason: done?.reason, params: study.trials.map(({ params }) => params) };
}

describe('a study', () => {
  it('ends by trials, target, cost, failures, no improvement and its model', async () => {
    expect(await go(spec(), { trials: 7 })).toMatchObject({ reason: '7 trials were made' });
    expect((await go(spec(), { trials: 90, targets: [0.5] })).reason).toMatch(/reached the target/);
    const dear = { run: async () => ({ state: 'COMPLETE' as const, values: [1], facts: { metrics: { usd: 2 } } }) };
    expect((await go(spec(), { cost: { metric: 'usd', max: 5 } }, { objective: dear })).study.made).toBe(3);
    const broken = functionObjective(() => Number.NaN);
    const failed = await go(spec(), { trials: 50, maxFailed: 2 }, { objective: broken });
    expect(failed.reason).toBe('3 trials failed, more than 2');
    expect(failed.study.trials[0]?.facts.reason).toBe('its value is NaN');
    expect((await go(spec(), { noImprovement: 4 }, { objective: dear })).study.made).toBe(5);
    const model = await go(spec(), { trials: 60, terminator: { after: 12, improvement: 0.05 } });
    expect(model.reason).toBe('the model expects no better trial');
  });

  it('goes on after a crash at any write as if there had been none', async () => {
    const whole = await go(spec({ enqueue: [{ x: 2 }] }), { trials: 25 });
    for (const crash of [1, 2, 17, 18, 33]) {
      const store = await newStore(spec());
      let writes = 0;
      const frail: TrialStore = {
        ...store,
        async swapTrial(...args) {
          if (++writes > crash) throw new Error('killed');
          return store.swapTrial(...args);
        },
      };
      const one = spec({ enqueue: [{ x: 2 }] });
      await expect(go(one, { trials: 25 }, { store: frail })).rejects.toThrow('killed');
      const again = await go(one, { trials: 25 }, { store });
      expect(again.params).toEqual(whole.params);
      expect(again.study.trials.map(({ values }) => values)).toEqual(whole.study.trials.map(({ values }) => values));
    }
  });

  it('tries no setting twice where asked, and says when all were tried', async () => {
    const space = { a: { type: 'int', low: 1, high: 3 }, b: { type: 'categorical', choices: [true, false] } };
    const objective = functionObjective(({ params }) => params['a'] as number);
    const ran = await go(spec({ space, dedupe: true }), { trials: 100 }, { objective, parallel: 3 });
    expect(ran.reason).toBe('all 6 settings of the space were tried');
    expect(new Set(ran.params.map((params) => JSON.stringify(params))).size).toBe(6);
  });

  it('runs trials beside each other, none twice, again where they fail, and gives back what is interrupted', async () => {
    let running = 0;
    let most = 0;
    const tries = new Map<number, number>();
    const flaky = functionObjective(async ({ number }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      tries.set(number, (tries.get(number) ?? 0) + 1);
      if (number % 3 === 0 && tries.get(number) === 1) throw new Error('flaky');
      return number;
    });
    const { study } = await go(spec(), { trials: 20 }, { objective: flaky, parallel: 4, retries: 1 });
    expect(most).toBe(4);
    expect(study.trials.map(({ number, state }) => [number, state])).toEqual(
      Array.from({ length: 20 }, (_, number) => [number, 'COMPLETE']),
    );
    expect(study.trials[3]?.facts.attempt).toBe(2);
    const controller = new AbortController();
    const store = await newStore(spec());
    const slow: Objective = {
      async run({ number }, { signal }) {
        if (number === 3) controller.abort();
        return signal.aborted ? { state: 'FAILED' } : { state: 'COMPLETE', values: [number] };
      },
    };
    const ended = await go(spec(), { trials: 9 }, { store, objective: slow, signal: controller.signal });
    expect(ended.reason).toBeUndefined();
    expect((await store.summary('s')).counts).toEqual({ COMPLETE: 3, RUNNING: 1 });
    const resumed = await go(spec(), { trials: 9 }, { store });
    expect(resumed.study.trials.map(({ state }) => state)).toEqual(Array(9).fill('COMPLETE'));
    expect(resumed.study.trials[3]?.facts.attempt).toBe(2);
  });

  it('prunes, and fails what takes too long', async () => {
    const objective: Objective = {
      async run({ number }, hands) {
        const { signal } = hands;
        for (let step = 0; step < 4; step++) {
          if (await hands.report(step, number)) return { state: 'PRUNED' };
        }
        if (number === 2) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return number === 2 ? { state: 'FAILED' } : { state: 'COMPLETE', values: [number] };
      },
    };
    const pruner = { name: 'median', startup: 1 };
    const { study } = await go(spec({ pruner }), { trials: 3 }, { objective, trialTimeout: 50 });
    expect(study.trials.map(({ state }) => state)).toEqual(['COMPLETE', 'PRUNED', 'PRUNED']);
    const without = await go(spec(), { trials: 3 }, { objective, trialTimeout: 50 });
    expect(without.study.trials[2]).toMatchObject({ state: 'FAILED', facts: { reason: 'it took longer than 0.05 s' } });
  });
});
