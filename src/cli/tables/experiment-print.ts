import { csvText } from './csv.ts';
import type { ExperimentColumn, ExperimentTable } from './experiment-table.ts';
import { displayWidth, dvcTable } from './dvc-table.ts';
import type { Style } from '../terminal/terminal.ts';

const branches = { baseline: '', branch_commit: '├── ', branch_base: '└── ' } as const;

/** Joins name, commit and place in the tree into one column, as people read it. */
export function mergeNames(table: ExperimentTable): ExperimentTable {
  const at = (name: string): number => table.columns.findIndex((column) => column.name === name);
  const [name, rev] = [at('Experiment'), at('rev')];
  const dropped = new Set(['rev', 'typ', 'parent'].map(at));
  const rows = table.rows.map((row, index) => {
    const type = table.types[index] ?? 'baseline';
    const label = row[name] === '' || type === 'baseline' ? row[name] || row[rev] || '' : `${row[rev]} [${row[name]}]`;
    return row.map((cell, i) => (i === name ? branches[type] + label : cell)).filter((_, i) => !dropped.has(i));
  });
  return { ...table, columns: table.columns.filter((_, i) => !dropped.has(i)), rows };
}

export function experimentMarkdown(table: ExperimentTable): string[] {
  return dvcTable(
    table.columns.map(({ name }) => name),
    table.rows,
    { markdown: true },
  );
}

export function experimentCsv(table: ExperimentTable): string {
  return csvText([table.columns.map(({ name }) => name), ...table.rows]);
}

/**
 * The table between lines. Where it does not fit into `width` columns, values are left out from the right,
 * the first of each kind last.
 */
export function experimentText(table: ExperimentTable, style: Style, width?: number): string[] {
  const shown = width === undefined ? table.columns.map((_, i) => i) : fitting(table, width);
  const widths = shown.map((i) => columnWidth(table, i));
  const rule = ` ${'─'.repeat(widths.reduce((sum, each) => sum + each + 3, -1))} `;
  const line = (cells: readonly string[]): string =>
    `  ${shown.map((i, at) => aligned(cells[i] ?? '', widths[at] ?? 0, table.columns[i])).join('   ')}  `;
  const rows = table.rows.map((row, i) => {
    const text = line(row);
    return table.types[i] === 'baseline' ? style.bold(text) : text;
  });
  return [rule, line(table.columns.map(({ name }) => name)), rule, ...rows, rule];
}

function aligned(cell: string, width: number, column: ExperimentColumn | undefined): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(cell)));
  return column?.kind === 'metrics' ? space + cell : cell + space;
}

function columnWidth(table: ExperimentTable, index: number): number {
  const cells = table.rows.map((row) => displayWidth(row[index] ?? ''));
  return Math.max(displayWidth(table.columns[index]?.name ?? ''), ...cells);
}

function fitting(table: ExperimentTable, width: number): number[] {
  let shown = table.columns.map((_, i) => i);
  const total = (): number => shown.reduce((sum, i) => sum + columnWidth(table, i) + 3, 1);
  while (total() > width) {
    const kinds = shown.map((i) => table.columns[i]?.kind);
    const last = shown.findLastIndex((_, at) => kinds[at] !== 'fixed' && kinds.indexOf(kinds[at]) !== at);
    const cut = last === -1 ? shown.findLastIndex((_, at) => kinds[at] !== 'fixed') : last;
    if (cut === -1) break;
    shown = shown.toSpliced(cut, 1);
  }
  return shown;
}
