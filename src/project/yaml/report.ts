import type { SchemaError } from './schema.ts';

/** Where a mapping or list begins, both counted from 1. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

export interface ReportOptions {
  /** Columns to wrap at. Default 80. */
  readonly width?: number;
}

/**
 * DVC's report of schema errors: each with the place, and the source lines around it, laid out as on a
 * terminal of the given width.
 *
 * `locate` gives the position of the container at a path, or undefined for scalars and what is absent.
 */
export function schemaReport(
  file: string,
  text: string,
  errors: readonly SchemaError[],
  locate: (path: readonly unknown[]) => SourcePosition | undefined,
  options: ReportOptions = {},
): string {
  const width = options.width ?? 80;
  const count = errors.length > 1 ? `: ${errors.length} errors` : '';
  const lines = [`'${file}' validation failed${count}.`, ''];
  for (const [index, error] of errors.entries()) {
    if (index > 0) lines.push('');
    const { position, steps } = nearestPosition(error.path, locate);
    const parts = [error.message];
    if (error.path.length > 0) parts.push(`in ${error.path.map(pythonText).join(' -> ')}`);
    if (position !== undefined) parts.push(`line ${position.line}`, `column ${position.column}`);
    lines.push(...wrapWords(parts.join(', '), width));
    if (position !== undefined) lines.push(...sourceLines(text, position.line - 1, position.line + steps - 1, width));
  }
  return lines.join('\n');
}

/** The position of the value, or of what it stands in when it is no container; the steps taken up, plus 1. */
function nearestPosition(
  path: readonly unknown[],
  locate: (path: readonly unknown[]) => SourcePosition | undefined,
): { position: SourcePosition | undefined; steps: number } {
  let current = path;
  for (let steps = 1; steps < 5 && current.length > 0; steps++) {
    const position = locate(current);
    if (position !== undefined) return { position, steps };
    current = current.slice(0, -1);
  }
  return { position: undefined, steps: 5 };
}

/** A syntax error as DVC reports it: each remark with its place and that line of the source. */
export function syntaxReport(
  file: string,
  text: string,
  remarks: readonly { readonly message: string; readonly position: SourcePosition | undefined }[],
  options: ReportOptions = {},
): string {
  const width = options.width ?? 80;
  const conflict = /^[<=>]{7} .*$/m.test(text) ? ' (possible merge conflicts)' : '';
  const source = text.split(/\r\n|\n|\r/);
  const lines = [`'${file}' is invalid${conflict}.`];
  for (const { message, position } of remarks) {
    const place = position === undefined ? '' : `in line ${position.line}, column ${position.column}`;
    lines.push('', ...wrapWords(`${capitalize(message)}, ${place}`, width));
    if (position !== undefined) lines.push(sourceLine(source[position.line - 1] ?? '', position.line, width));
  }
  return lines.join('\n');
}

function sourceLine(line: string, number: number, width: number): string {
  const [shown] = withGuides([expandTabs(line)]);
  return numbered(number, shown ?? '', number, width)[0] ?? '';
}

function expandTabs(line: string): string {
  let shown = '';
  for (const character of line) shown += character === '\t' ? ' '.repeat(4 - (shown.length % 4)) : character;
  return shown;
}

function pythonText(step: unknown): string {
  if (step === null) return 'None';
  return typeof step === 'boolean' ? capitalize(String(step)) : String(step);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

/** Lines `from` to `to` (counted from 1) with their numbers and guides at every fourth column of indent. */
function sourceLines(text: string, from: number, to: number, width: number): string[] {
  const all = text.replaceAll('\r\n', '\n').split('\n');
  const start = Math.max(0, from - 1);
  const chosen = all.slice(start, to).map((line) => line.replaceAll('\t', '    '));
  const last = all.length;
  return withGuides(chosen).flatMap((line, index) => numbered(start + index + 1, line, last, width));
}

function numbered(number: number, line: string, last: number, width: number): string[] {
  const digits = String(last).length;
  const room = Math.max(1, width - digits - 3);
  const wrapped = wrapWords(line, room);
  return wrapped.map((part, index) => {
    const label = index === 0 ? `  ${String(number).padStart(digits)} ` : ' '.repeat(digits + 3);
    return label + part.padEnd(room);
  });
}

/** Blank lines take the guides of the line that follows them. */
function withGuides(lines: readonly string[]): string[] {
  const result: string[] = [];
  let blanks = 0;
  for (const line of lines) {
    if (line.trim() === '') {
      blanks++;
      continue;
    }
    const indent = line.length - line.trimStart().length;
    const guides = '│   '.repeat(Math.floor(indent / 4)) + ' '.repeat(indent % 4);
    for (; blanks > 0; blanks--) result.push(guides);
    result.push(guides + line.slice(indent));
  }
  for (; blanks > 0; blanks--) result.push('');
  return result;
}

/** Breaks before words that do not fit; trailing spaces stay where they were, up to the width. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const [word] of text.matchAll(/(?:^\s*)?\S+\s*/g)) {
    if (line !== '' && line.length + word.trimEnd().length > width) {
      lines.push(line);
      line = '';
    }
    line += word;
    while (line.trimEnd().length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  lines.push(line === '' ? text : line);
  return lines.map((item) => (item.length > width ? item.slice(0, Math.max(width, item.trimEnd().length)) : item));
}
