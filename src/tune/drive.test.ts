import { describe, expect, it } from 'vitest';

import { Driver } from './drive.ts';

const space = { x: { type: 'float', low: 0, high: 1 }, o: { type: 'categorical', choices: ['a', 'b'] } };

function driven(): (request: unknown) => Record<string, unknown> {
  const driver = new Driver();
  const say = (request: unknown): Record<string, unknown> =>
    JSON.parse(driver.answer(typeof request === 'string' ? request : JSON.stringify(request))) as Record<
      string,
      unknown
    >;
  expect(say({ study: { directions: ['maximize'], space, sampler: { name: 'tpe', seed: 1 } } })).toEqual({ ok: true });
  return say;
}

describe('tune drive', () => {
  it('asks, is told, and knows the best', () => {
    const say = driven();
    for (let i = 0; i < 15; i++) {
      const { number, params } = say({ ask: 1 }) as { number: number; params: { x: number } };
      expect(number).toBe(i);
      expect(say({ tell: { number, values: [params.x] } })).toEqual({ ok: true });
    }
    const best = say({ best: 1 }) as { params: { x: number }; values: number[] };
    expect(best.values[0]).toBe(best.params.x);
    expect(say({ ask: 3 })['trials']).toHaveLength(3);
  });

  it('takes trials made elsewhere and scores points', () => {
    const say = driven();
    const trials = [
      { number: 0, state: 'COMPLETE', params: { x: 0.2, o: 'a' }, values: [1] },
      { number: 1, state: 'PRUNED', params: { x: 0.4, o: 'b' }, intermediate: { 3: 0.5 } },
      { number: 2, state: 'FAILED', params: { x: 0.9, o: 'b' } },
    ];
    expect(say({ add: trials })).toEqual({ ok: true });
    const score = say({ score: [{ x: 0.3, o: 'a' }] });
    expect(score).toMatchObject({ below: [0], above: [1] });
    expect(say({ ask: 1 })['number']).toBe(3);
  });

  it('reports and prunes', () => {
    const driver = new Driver();
    const say = (request: unknown): unknown => JSON.parse(driver.answer(JSON.stringify(request)));
    say({ study: { space, pruner: { name: 'median', startup: 1 } } });
    say({ ask: 2 });
    say({ tell: { number: 0, values: [1], intermediate: { 0: 0.1, 1: 0.2 } } });
    expect(say({ report: { number: 1, step: 0, value: 0.05 } })).toEqual({ prune: false });
    expect(say({ report: { number: 1, step: 1, value: 0.9 } })).toEqual({ prune: false });
    expect(say({ tell: { number: 1, state: 'PRUNED' } })).toEqual({ ok: true });
  });

  it('knows infinite values by words', () => {
    const say = driven();
    say({ ask: 1 });
    expect(say({ tell: { number: 0, values: ['-Infinity'] } })).toEqual({ ok: true });
    expect(say({ best: 1 })['values']).toEqual(['-Infinity']);
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'must be a mapping'],
    ['{}', 'one key'],
    [{ aks: 1 }, "did you mean 'ask'"],
    [{ ask: 0 }, 'from 1'],
    [{ tell: { number: 5, values: [1] } }, 'there is no trial 5'],
    [{ tell: { number: 0, values: [1, 2] } }, '2 values'],
    [{ tell: { number: 0, values: ['NaN'] } }, 'NaN'],
    [{ tell: { number: 0, values: [null] } }, 'no number'],
    [{ tell: { number: 0, state: 'DONE' } }, 'not "DONE"'],
    [{ add: { number: 0, params: {} } }, 'in the study already'],
    [{ add: { params: { x: 2 }, values: [1] } }, "'x' cannot be 2"],
    [{ score: [] }, 'a list of params'],
    [{ score: [{ x: 0.5 }, { o: 'a' }] }, "'o'"],
    [{ best: 1 }, 'no trial is complete'],
  ])('answers %j with an error, and goes on', (request, message) => {
    const say = driven();
    say({ ask: 1 });
    const { error } = say(request) as { error: { code: string; message: string } };
    expect(error.code).toMatch(/^tune_/);
    expect(error.message).toContain(message);
    expect(say({ ask: 1 })['number']).toBe(1);
  });

  it('needs a study first', () => {
    expect(new Driver().answer('{"ask": 1}')).toContain('describe the study first');
  });
});
