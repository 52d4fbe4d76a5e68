/**
 * A table as DVC prints it (Python's `tabulate`, formats `plain` and `github`): columns two spaces apart,
 * a header at least two narrower than its column, cells stripped. Returns nothing for a plain table without rows.
 */
export function dvcTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly markdown?: boolean } = {},
): string[] {
  if (rows.length === 0 && options.markdown !== true) return [];
  const stripped = rows.map((row) => header.map((_, column) => (row[column] ?? '').trim()));
  const widths = header.map((title, column) =>
    Math.max(displayWidth(title) + 2, ...stripped.map((row) => displayWidth(row[column] ?? ''))),
  );
  // Without rows tabulate leaves the header alone.
  if (rows.length === 0) header.forEach((title, column) => (widths[column] = displayWidth(title) + 2));
  const padded = (row: readonly string[]): string[] => row.map((cell, column) => pad(cell, widths[column] ?? 0));
  if (options.markdown !== true) return [header, ...stripped].map((row) => padded(row).join('  ').trimEnd());
  const line = (row: readonly string[]): string => `| ${padded(row).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  // DVC ends Markdown with an empty line.
  return [line(header), rule, ...stripped.map(line), ''];
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** Columns of a terminal that a text takes: two for East Asian characters and emoji, none for combining marks. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (zeroWidth.test(character)) continue;
    width += wide.test(character) || (character.codePointAt(0) ?? 0) >= 0x1f300 ? 2 : 1;
  }
  return width;
}
