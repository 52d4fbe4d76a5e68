import type { Curve } from '../../api/ui/wire.ts';
import { plainNumber } from '../kit/format.ts';

export const axes = ['step', 'time', 'relative'] as const;
export type Axis = (typeof axes)[number];

export interface Points {
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/** A curve over the chosen axis: one point for each x, the last one. Time in seconds, as charts want it. */
export function pointsOf({ steps, times, values }: Curve, axis: Axis): Points {
  const begin = times.reduce((first, time) => Math.min(first, time), Infinity);
  const raw = axis === 'step' ? steps : times.map((time) => (axis === 'time' ? time / 1000 : (time - begin) / 1000));
  const order = raw.map((_, i) => i).toSorted((a, b) => (raw[a] ?? 0) - (raw[b] ?? 0));
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (const i of order) {
    const at = raw[i] ?? 0;
    const value = plainNumber(values[i]);
    const shown = Number.isFinite(value) ? value : null;
    if (x.at(-1) === at) y[y.length - 1] = shown;
    else {
      x.push(at);
      y.push(shown);
    }
  }
  return { x, y };
}

/** An exponential moving average whose start is not pulled to zero; `weight` from 0 (none) to less than 1. */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  let sum = 0;
  let norm = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + value * (1 - weight);
    norm = norm * weight + (1 - weight);
    return sum / norm;
  });
}

/** Seconds as `1:05:09`. */
export function clockText(seconds: number): string {
  const whole = Math.round(seconds);
  if (Math.abs(seconds) < 10 && whole !== seconds) return `${Number(seconds.toPrecision(3))} s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  return hours > 0
    ? `${hours}:${two((whole % 3600) / 60)}:${two(whole % 60)}`
    : `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}
