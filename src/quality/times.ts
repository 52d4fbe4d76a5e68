const shape =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?( ?(?:Z|z|[+-]\d\d:?(?:\d\d)?))?)?$/;

/**
 * The time that an ISO 8601 text stands for, in milliseconds since the epoch (UTC where it names no zone); NaN for all
 * that is none, days that no calendar has among it.
 *
 * @param dateOnly takes a date without a time only.
 */
export function timeOfText(text: string, dateOnly: boolean): number {
  const match = shape.exec(text);
  if (match === null) return Number.NaN;
  const [, year = '', month = '', day = '', hour, minute = '0', second = '0', fraction = '', zone = ''] = match;
  if (hour !== undefined && dateOnly) return Number.NaN;
  const days = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(days);
  if (Number(year) < 100) date.setUTCFullYear(Number(year));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return Number.NaN;
  if (hour === undefined) return date.getTime();
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  const clock = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  return date.getTime() + clock + (fraction === '' ? 0 : Number(`0.${fraction}`) * 1000) - offsetOf(zone.trim());
}

function offsetOf(zone: string): number {
  if (zone === '' || zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', ''));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
