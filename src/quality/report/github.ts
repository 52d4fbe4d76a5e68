import type { QualityReport } from '../result.ts';
import { failingText, reportLines } from './words.ts';

/** The report for GitHub Actions: an annotation for each failed expectation, then a table for people. */
export function qualityGithub(report: QualityReport): string {
  const annotations = report.files.flatMap((file) =>
    reportLines(file)
      .filter((line) => !line.success)
      .map((line) => {
        const row = line.failing.find((one) => one.line !== null)?.line;
        const place = `file=${escapeProperty(file.file)}${row === undefined || row === null ? '' : `,line=${row}`}`;
        const rows = failingText(line.failing);
        const text = `${line.title}: expected ${line.expected}: ${line.found}${rows === '' ? '' : `; ${rows}`}`;
        return `::error ${place},title=${escapeProperty(line.title)}::${escapeData(text)}`;
      }),
  );
  return [...annotations, '', qualityMarkdown(report)].join('\n');
}

/** The report as a table of Markdown. */
function qualityMarkdown(report: QualityReport): string {
  const lines = [`### Data checks: ${report.success ? 'passed' : 'failed'}`];
  for (const file of report.files) {
    lines.push('', `\`${file.file}\``, '', '| | Expectation | Expected | Found | Rows |', '|---|---|---|---|---|');
    for (const line of reportLines(file)) {
      const cells = [line.success ? '✅' : '❌', line.title, line.expected, line.found, failingText(line.failing)];
      lines.push(`| ${cells.map(escapeCell).join(' | ')} |`);
    }
  }
  return lines.join('\n');
}

/** Text of a cell of Markdown. */
export function escapeCell(text: string): string {
  return text.replaceAll(/[\\|`*_<>[\]]/g, String.raw`\$&`).replaceAll('\n', ' ');
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
