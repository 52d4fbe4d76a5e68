export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Columns of lower priority are left out first where the table does not fit. Default 1; 0 is never left out. */
  readonly drop?: number;
}

/**
 * A plain table of at most `columns` characters: cells are padded, and where it does not fit, the columns
 * with the highest `drop` go first, which a last line says, then the widest cells are cut with an ellipsis.
 */
export function textTable(header: readonly Column[], rows: readonly (readonly string[])[], columns: number): string[] {
  const kept = keepFitting(header, rows, columns);
  const widths = shrink(
    kept.map((index) => widthOf(header, rows, index)),
    columns,
  );
  const line = (cells: readonly string[]): string =>
    kept
      .map((index, i) => {
        const cell = cut(cells[index] ?? '', widths[i] ?? 0);
        return header[index]?.align === 'right' ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
      })
      .join('  ')
      .trimEnd();
  const hidden = header.filter((_, index) => !kept.includes(index)).map(({ title }) => title.toLowerCase());
  const note = `not shown, since they do not fit: ${hidden.join(', ')} (see --json, or a pipe)`;
  return [
    line(header.map((column) => column.title)),
    ...rows.map(line),
    ...(hidden.length === 0 ? [] : [cut(note, columns)]),
  ];
}

function widthOf(header: readonly Column[], rows: readonly (readonly string[])[], index: number): number {
  return Math.max(header[index]?.title.length ?? 0, ...rows.map((row) => (row[index] ?? '').length));
}

function keepFitting(header: readonly Column[], rows: readonly (readonly string[])[], columns: number): number[] {
  let kept = header.map((_, index) => index);
  for (;;) {
    const total = kept.reduce((sum, index) => sum + Math.min(24, widthOf(header, rows, index)) + 2, -2);
    if (total <= columns) return kept;
    const droppable = kept.filter((index) => (header[index]?.drop ?? 1) > 0);
    const worst = droppable.sort((a, b) => (header[b]?.drop ?? 1) - (header[a]?.drop ?? 1) || b - a)[0];
    if (worst === undefined || kept.length === 1) return kept;
    kept = kept.filter((index) => index !== worst);
  }
}

/** Takes characters from the widest columns until the line fits. */
function shrink(widths: readonly number[], columns: number): number[] {
  const result = [...widths];
  let excess = result.reduce((sum, width) => sum + width + 2, -2) - columns;
  while (excess > 0) {
    const widest = result.indexOf(Math.max(...result));
    if ((result[widest] ?? 0) <= 6) break;
    result[widest] = (result[widest] ?? 0) - 1;
    excess--;
  }
  return result;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
