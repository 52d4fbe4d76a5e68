import { displayWidth } from './dvc-table.ts';

/**
 * Lines of a table without a header as DVC prints them (tabulate's `plain`, white space kept): cells padded
 * to the widest, two spaces between.
 */
export function listTable(
  rows: readonly (readonly string[])[],
  rightAligned: ReadonlySet<number> = new Set(),
): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell))));
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const space = ' '.repeat((widths[i] ?? 0) - displayWidth(cell));
        return rightAligned.has(i) ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
}

const units = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'];

/** Bytes as `dvc list --size` and `dvc du` show them: `139`, `4.88k`, `12.3M`, `123G`. */
export function dvcSize(bytes: number): string {
  if (bytes < 1024) return String(bytes);
  let value = bytes;
  for (const unit of units) {
    if (Math.abs(value) < 999.5) {
      if (Math.abs(value) < 99.95) return `${value.toFixed(Math.abs(value) < 9.995 ? 2 : 1)}${unit}`;
      return `${value.toFixed(0)}${unit}`;
    }
    value /= 1024;
  }
  return `${value.toFixed(1)}Y`;
}
