import { randomUUID } from 'node:crypto';

/** How 2^63 as a double is written by JSON.stringify: no int64, so that clients refuse the whole answer. */
const edge = String(2 ** 63);

/** A whole number with all its digits, inside of what an int64 holds. */
export function int64Text(value: number): string {
  if (value >= 2 ** 63) return '9223372036854775807';
  return value <= -(2 ** 63) ? '-9223372036854775808' : String(value);
}

/** An answer as JSON text, its numbers at the edge of int64 as such. */
export function jsonText(answer: unknown): string {
  const text = JSON.stringify(answer);
  if (!text.includes(edge)) return text;
  // Numbers become texts with a mark that nobody can know, and lose their quotes again.
  const mark = `#int64:${randomUUID()}:`;
  const marked = JSON.stringify(answer, (_, value: unknown) =>
    typeof value === 'number' && Math.abs(value) === 2 ** 63 ? mark + int64Text(value) : value,
  );
  return marked.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
