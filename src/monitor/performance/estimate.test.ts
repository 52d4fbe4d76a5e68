import { expect, it } from 'vitest';

import type { Entry } from '../entry.ts';
import { seededRandom } from '../statistics/random.ts';
import { estimatePerformance } from './estimate.ts';
import { performanceOf } from './performance.ts';

it('estimates what labels show later, where scores are true probabilities', () => {
  const random = seededRandom(5);
  const entries: Entry[] = [];
  const labels = new Map<string, { id: string; label: string; at: number }>();
  for (let i = 0; i < 8000; i++) {
    const p = random() ** 2;
    const scores = { no: 1 - p, yes: p };
    entries.push({ id: `${i}`, at: 0, model: 'm', prediction: p > 0.4 ? 'yes' : 'no', scores });
    labels.set(`${i}`, { id: `${i}`, label: random() < p ? 'yes' : 'no', at: 0 });
  }
  const estimated = estimatePerformance(entries) as unknown as Record<string, number>;
  const { metrics } = performanceOf(entries, labels);
  for (const name of [
    'accuracy',
    'precision',
    'recall',
    'f1',
    'precision_macro',
    'recall_macro',
    'f1_macro',
    'roc_auc',
  ]) {
    expect(Math.abs((estimated[name] ?? 9) - (metrics[name]?.value ?? -9)), name).toBeLessThan(0.03);
  }
});

it('says that there is nothing to go by, and takes scores that do not sum to 1 as shares', () => {
  expect(estimatePerformance([{ id: 'a', at: 0, model: 'm', prediction: 'x' }])).toMatchObject({
    n: 0,
    accuracy: null,
  });
  const one: Entry = { id: 'a', at: 0, model: 'm', prediction: 'a', scores: { a: 3, b: 1, c: 0 } };
  expect(estimatePerformance([one])).toMatchObject({ n: 1, accuracy: 0.75 });
  expect(estimatePerformance([one, { ...one, error: 'x' }]).n).toBe(1);
});
