import type { Expectation, Failing, FileResult } from '../result.ts';

/** A result for a line of a report: `age` `max`: `at most 120`, 3 of 100 values (3 %). */
export interface ReportLine {
  /** `age max`, `start, end rule`, `row_count`. */
  readonly title: string;
  readonly expected: string;
  /** What was found, in words. */
  readonly found: string;
  readonly success: boolean;
  readonly failing: readonly Failing[];
}

const notCounted = new Set(['row_count', 'freshness', 'column_exists', 'drift']);

export function reportLines(file: FileResult): ReportLine[] {
  if (file.error !== undefined) {
    const { message, line = null } = file.error;
    return [
      { title: 'readable', expected: 'is a table', found: message, success: false, failing: [{ line, value: null }] },
    ];
  }
  return file.expectations.map((one) => ({
    title: [columnName(one), one.expectation].filter((part) => part !== '').join(' '),
    expected: one.expected,
    found: foundWords(one),
    success: one.success,
    failing: one.success ? [] : one.result.failing,
  }));
}

export function columnName({ column }: Pick<Expectation, 'column'>): string {
  if (column === null) return '';
  return typeof column === 'string' ? column : column.join(', ');
}

function foundWords({ expectation, success, result }: Expectation): string {
  const { element_count: all, unexpected_count: count, unexpected_percent: percent, observed_value: observed } = result;
  if (expectation === 'column_exists') return success ? 'one' : 'none';
  if (expectation === 'freshness' && observed === null) return 'no time in it';
  if (notCounted.has(expectation)) return valueText(observed);
  return count === 0 ? `nothing else in ${all}` : `${count} of ${all} (${shortPercent(percent)} %) otherwise`;
}

function shortPercent(percent: number): string {
  return percent > 0 && percent < 0.01 ? '< 0.01' : String(Number(percent.toFixed(2)));
}

/** A value of a failing row as text. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'missing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `line 5: -3, line 9: -1 and 7 more` */
export function failingText(failing: readonly Failing[], most = 5): string {
  const texts = failing.slice(0, most).map(({ line, value }) => {
    const text = value === null ? '' : valueText(value);
    if (line === null) return text;
    return text === '' ? `line ${line}` : `line ${line}: ${text.length > 60 ? `${text.slice(0, 60)}...` : text}`;
  });
  const shown = texts.filter((text) => text !== '');
  return failing.length > most ? `${shown.join(', ')}...` : shown.join(', ');
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}');
}
