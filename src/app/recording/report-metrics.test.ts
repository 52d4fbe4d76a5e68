import { describe, expect, it } from 'vitest';

import { PyFloat, type PyValue } from '../../base/index.ts';
import { historyOf, isHistory, metricsOf } from './report-metrics.ts';

describe('metrics of a file', () => {
  it('are its numbers, by their path', () => {
    const value = new Map<PyValue, PyValue>([
      ['accuracy', new PyFloat(0.97)],
      [
        'val',
        new Map<PyValue, PyValue>([
          ['f1', [1, new PyFloat(0.5)]],
          ['note', 'good'],
          ['ok', true],
        ]),
      ],
      ['a%b', 3n],
      ['none', null],
    ]);
    expect(metricsOf(value)).toEqual([
      { key: 'accuracy', value: 0.97, step: 0 },
      { key: 'val.f1.0', value: 1, step: 0 },
      { key: 'val.f1.1', value: 0.5, step: 0 },
      { key: 'val.ok', value: 1, step: 0 },
      { key: 'a_b', value: 3, step: 0 },
    ]);
  });

  it('need a name', () => {
    expect(metricsOf(5)).toEqual([]);
  });
});

describe('history of a table', () => {
  it('takes the step from its column and leaves out what is no number', () => {
    const points = historyOf(
      ['epoch', 'loss', 'note'],
      [
        ['1', '0.5', 'x'],
        ['2', 'nan', ''],
        ['3', '', ''],
      ],
    );
    expect(points).toEqual([
      { key: 'loss', value: 0.5, step: 1 },
      { key: 'loss', value: Number.NaN, step: 2 },
    ]);
  });

  it('counts rows where no column is the step', () => {
    expect(historyOf(['loss'], [['3'], ['2']])).toEqual([
      { key: 'loss', value: 3, step: 0 },
      { key: 'loss', value: 2, step: 1 },
    ]);
  });

  it('is told apart from observations', () => {
    expect([isHistory(['epoch', 'loss']), isHistory(['actual', 'predicted'])]).toEqual([true, false]);
  });
});
