import { dvcSize, listTable } from './list-table.ts';
import { styleMark } from '../terminal/escape.ts';

/** What a listing shows of an entry. */
export interface Shown {
  readonly path: string;
  readonly isdir: boolean;
  readonly isout?: boolean;
  readonly isexec?: boolean;
  readonly size?: number | null | undefined;
  readonly md5?: string | null;
}

export interface ShownTree extends Shown {
  readonly contents?: readonly ShownTree[];
}

export interface ListStyle {
  readonly size: boolean;
  readonly hash: boolean;
  /** Value of LS_COLORS ('' for DVC's own); undefined for no colours. */
  readonly colors: string | undefined;
}

/** The lines of `dvc list`: names, or a table with sizes and hashes before them. */
export function listLines(entries: readonly Shown[], style: ListStyle): string[] {
  const paint = painter(style.colors);
  if (!style.size && !style.hash) return entries.map((entry) => paint(entry, entry.path));
  return listTable(
    entries.map((entry) => cellsOf(entry, paint(entry, entry.path), style)),
    aligned(style),
  );
}

/** The lines of `dvc list --tree`. */
export function treeLines(top: ShownTree, style: ListStyle): string[] {
  const paint = painter(style.colors);
  const rows: string[][] = [];
  const visit = (entry: ShownTree, prefix: string, branch: string, below: string): void => {
    rows.push(cellsOf(entry, prefix + branch + paint(entry, entry.path), style));
    entry.contents?.forEach((child, i) => {
      const last = i === (entry.contents?.length ?? 0) - 1;
      visit(child, prefix + below, last ? '└── ' : '├── ', last ? '    ' : '│   ');
    });
  };
  visit(top, '', '', '');
  return listTable(rows, aligned(style));
}

function aligned(style: ListStyle): ReadonlySet<number> {
  return new Set(style.size ? [0] : []);
}

function cellsOf(entry: Shown, name: string, style: ListStyle): string[] {
  const { size } = entry;
  const hidden = size === undefined || size === null || (size <= 0 && entry.isdir);
  return [
    ...(style.size ? [hidden ? '' : dvcSize(size)] : []),
    ...(style.hash ? [entry.md5 ?? (entry.md5 === null ? '-' : '')] : []),
    name,
  ];
}

function painter(colors: string | undefined): (entry: Shown, text: string) => string {
  if (colors === undefined) return (_, text) => text;
  const codes = new Map<string, string>();
  for (const item of (colors === '' ? 'rs=0:di=01;34:ex=01;32' : colors).split(':')) {
    const at = item.indexOf('=');
    if (at > 0) codes.set(item.slice(0, at), item.slice(at + 1));
  }
  const reset = codes.get('rs') ?? '0';
  return (entry, text) => {
    const code = codeOf(entry, codes);
    return code === undefined || code === '' ? text : `${styleMark}[${code}m${text}${styleMark}[${reset}m`;
  };
}

function codeOf(entry: Shown, codes: ReadonlyMap<string, string>): string | undefined {
  if (entry.isout === true && codes.has('out')) return codes.get('out');
  if (entry.isdir) return codes.get('di');
  if (entry.isexec === true) return codes.get('ex');
  const dot = entry.path.lastIndexOf('.');
  return dot < 0 ? undefined : codes.get(`*${entry.path.slice(dot)}`);
}
