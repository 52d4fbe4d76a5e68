const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The day that bytes spell as `2024-02-29`, in milliseconds since the epoch; NaN for everything else, days that no
 * calendar has among it.
 */
export function dayAt(bytes: Buffer, start: number, end: number): number {
  if (end - start !== 10 || bytes[start + 4] !== 0x2d || bytes[start + 7] !== 0x2d) return Number.NaN;
  const year = twoAt(bytes, start) * 100 + twoAt(bytes, start + 2);
  const month = twoAt(bytes, start + 5);
  const day = twoAt(bytes, start + 8);
  if (!(month >= 1 && month <= 12 && day >= 1)) return Number.NaN;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last = month === 2 && isLeap ? 29 : (monthDays[month - 1] ?? 0);
  if (!(day <= last)) return Number.NaN;
  // Days of the civil calendar, the year beginning in March, so that the leap day is its last.
  const shifted = month > 2 ? month - 3 : month + 9;
  const years = month > 2 ? year : year - 1;
  const days =
    365 * years +
    Math.floor(years / 4) -
    Math.floor(years / 100) +
    Math.floor(years / 400) +
    Math.floor((153 * shifted + 2) / 5) +
    day -
    719_469;
  return days * 86_400_000;
}

/** The number of two digits, NaN where they are none. */
function twoAt(bytes: Buffer, at: number): number {
  const tens = (bytes[at] ?? 0) - 0x30;
  const ones = (bytes[at + 1] ?? 0) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}
