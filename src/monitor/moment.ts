import { timeOf } from './entry.ts';

const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/**
 * A moment: ISO 8601 (UTC where it names no zone), milliseconds since the epoch, or `30m`, `24h`, `7d`, `2w` back.
 * @throws MlopsError `invalid_value`.
 */
export function momentOf(text: string, now: number): number {
  const [, count, unit] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * units[unit as keyof typeof units];
  return timeOf(/^\d{9,}$/.test(text) ? Number(text) : text);
}

/** How long `30s`, `15m`, `6h`, `7d`, `2w` is, in milliseconds; undefined for other texts. */
export function spanOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  return Number(count) * (unit === 's' ? 1000 : units[unit as keyof typeof units]);
}
