import type { QualityReport } from '../result.ts';
import { escapeXml, reportLines, valueText, type ReportLine } from './words.ts';

/** The report as one page that works offline. */
export function qualityHtml(report: QualityReport): string {
  const files = report.files.map((file) => {
    const lines = reportLines(file);
    const failed = lines.filter((line) => !line.success).length;
    const sum =
      failed === 0 ? `all ${lines.length} expectations hold` : `${failed} of ${lines.length} expectations fail`;
    return `<h2>${escapeXml(file.file)}</h2><p>${file.rows.toLocaleString('en')} rows, ${sum}.</p>
<table><thead><tr><th></th><th>Expectation</th><th>Expected</th><th>Found</th></tr></thead><tbody>
${lines.map(rowHtml).join('\n')}
</tbody></table>`;
  });
  const title = `Data checks: ${report.success ? 'passed' : 'failed'}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1d2733; background: #fff }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #d8dee6; vertical-align: top; overflow-wrap: anywhere }
.good { color: #17703a } .bad { color: #b3261e; font-weight: 600 } summary { cursor: pointer } ol { margin: .3rem 0; padding-left: 0; list-style: none }
@media (prefers-color-scheme: dark) { body { color: #e3e8ee; background: #14191f } td, th { border-color: #36404b } .good { color: #6fce93 } .bad { color: #ff8a80 } }
</style></head><body>
<h1>${title}</h1>
${files.join('\n')}
</body></html>`;
}

function rowHtml({ title, expected, found, success, failing }: ReportLine): string {
  const rows = failing.map(({ line, value }) => {
    const text = value === null ? '' : valueText(value);
    return `<li>${line === null ? '' : `line ${line}`}${text === '' || line === null ? '' : ': '}${escapeXml(text)}</li>`;
  });
  const more = rows.length === 0 ? '' : `<details><summary>rows</summary><ol>${rows.join('')}</ol></details>`;
  const mark = success ? '<span class="good">ok</span>' : '<span class="bad">fails</span>';
  return `<tr><td>${mark}</td><td>${escapeXml(title)}</td><td>${escapeXml(expected)}</td><td>${escapeXml(found)}${more}</td></tr>`;
}
