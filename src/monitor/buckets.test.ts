import { expect, it } from 'vitest';

import { bucketStarts } from './buckets.ts';

const starts = (kind: 'hour' | 'day' | 'week', zone: string, ...times: readonly string[]): string[] =>
  times.map((time) => bucketStarts(kind, zone)(Date.parse(time)).slice(0, 16));

it('keeps the two hours apart that one name stands for where clocks are put back', () => {
  const times = ['2026-10-24T23:59Z', '2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-25T02:30Z'];
  expect(starts('hour', 'Europe/Berlin', ...times)).toEqual([
    '2026-10-24T23:00',
    '2026-10-25T00:00',
    '2026-10-25T01:00',
    '2026-10-25T02:00',
  ]);
  expect(starts('hour', 'Europe/Berlin', '2026-03-29T00:59Z', '2026-03-29T01:00Z')).toEqual([
    '2026-03-29T00:00',
    '2026-03-29T01:00',
  ]);
  expect(starts('hour', 'Asia/Kathmandu', '2026-03-29T00:10Z', '2026-03-29T00:20Z')).toEqual([
    '2026-03-28T23:15',
    '2026-03-29T00:15',
  ]);
});

it('lets days of 23 and of 25 hours, and their weeks, begin at midnight', () => {
  expect(starts('day', 'Europe/Berlin', '2026-03-29T21:59Z', '2026-03-29T22:00Z')).toEqual([
    '2026-03-28T23:00',
    '2026-03-29T22:00',
  ]);
  expect(starts('day', 'Europe/Berlin', '2026-10-25T22:59Z', '2026-10-25T23:00Z')).toEqual([
    '2026-10-24T22:00',
    '2026-10-25T23:00',
  ]);
  expect(starts('week', 'Europe/Berlin', '2026-10-25T22:59Z', '2026-10-25T23:00Z')).toEqual([
    '2026-10-18T22:00',
    '2026-10-25T23:00',
  ]);
  // There is no midnight on that day.
  expect(starts('day', 'America/Santiago', '2026-09-06T12:00Z')).toEqual(['2026-09-06T04:00']);
});
