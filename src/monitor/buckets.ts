import { MlopsError } from '../base/index.ts';

export const bucketKinds = ['hour', 'day', 'week'] as const;
export type BucketKind = (typeof bucketKinds)[number];

const hour = 3_600_000;
const day = 24 * hour;

/**
 * Gives the start of the bucket that a time is in, as ISO text. A day begins at midnight of the zone, a week on Monday.
 * @throws MlopsError `usage` for a zone that there is not.
 */
export function bucketStarts(kind: BucketKind, zone = 'UTC'): (at: number) => string {
  const offset = offsetOf(zone);
  const known = new Map<number, string>();
  const size = kind === 'hour' ? hour : day;
  return (at) => {
    // A bucket never spans a change of the clock's hour within a quarter of an hour.
    const quarter = Math.floor(at / 900_000);
    let start = known.get(quarter);
    if (start === undefined) {
      const local = at + offset(at);
      let begin = Math.floor(local / size) * size;
      // The epoch was a Thursday.
      if (kind === 'week') begin -= ((((begin / day + 3) % 7) + 7) % 7) * day;
      // Where the clocks are put back an hour comes twice: these are two.
      start = new Date(kind === 'hour' ? begin - offset(at) : toUtc(begin, offset)).toISOString();
      if (known.size > 10_000) known.clear();
      known.set(quarter, start);
    }
    return start;
  };
}

/** The moment at which the clocks of the zone show a local time; the first of two where they are put back. */
function toUtc(local: number, offset: (at: number) => number): number {
  const candidates = [local - offset(local - 12 * hour), local - offset(local + 12 * hour)];
  const fitting = candidates.filter((at) => at + offset(at) === local).sort((a, b) => a - b);
  return fitting[0] ?? local - offset(local);
}

/** How far the clocks of a zone are ahead of UTC at a time, in milliseconds. */
function offsetOf(zone: string): (at: number) => number {
  if (zone.toUpperCase() === 'UTC') return () => 0;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  } catch (error) {
    throw new MlopsError('usage', `there is no time zone '${zone}'`, {
      hint: 'for example Europe/Berlin',
      cause: error,
    });
  }
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day: date = 1, hour: hours = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, date, hours, minute, second) - Math.floor(at / 1000) * 1000;
  };
}
