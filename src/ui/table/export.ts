import type { TableAnswer } from '../../api/ui/wire.ts';

/** As RFC 4180 has it. What a spreadsheet would take for a formula is marked as text. */
export function csvOf({ columns, rows }: TableAnswer): string {
  const head = ['run_id', 'name', 'status', 'user', 'start_time', 'end_time', ...columns];
  const lines = rows.map(({ run_id: id, name, status, user, start_time: start, end_time: end, values }) =>
    [id, name, status, user, iso(start), iso(end), ...values].map(quoted).join(','),
  );
  return `${[head.map(quoted).join(','), ...lines].join('\r\n')}\r\n`;
}

function iso(time: number | undefined): string {
  if (time === undefined || time === 0) return '';
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

function quoted(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+@\t\r]/.test(text) || (text.startsWith('-') && Number.isNaN(Number(text))) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function jsonOf({ columns, rows }: TableAnswer): string {
  const list = rows.map(({ values, ...row }) => ({
    ...row,
    values: Object.fromEntries(columns.map((name, i) => [name, values[i] ?? null])),
  }));
  return `${JSON.stringify(list, null, 2)}\n`;
}

export function download(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  const url = URL.createObjectURL(new Blob([text], { type }));
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
