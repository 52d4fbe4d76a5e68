import type { QualityReport } from '../result.ts';
import { reportLines, valueText } from './words.ts';

/** The report as SARIF 2.1.0, which code hosts show beside the lines: a result for each failing row that is kept. */
export function qualitySarif(report: QualityReport, version: string): unknown {
  const rules = new Map<string, { id: string; shortDescription: { text: string } }>();
  const results = report.files.flatMap((file) =>
    reportLines(file)
      .filter((line) => !line.success)
      .flatMap((line) => {
        const id = line.title.split(' ').at(-1) ?? line.title;
        rules.set(id, { id, shortDescription: { text: `expectation ${id}` } });
        const message = `${line.title}: expected ${line.expected}: ${line.found}`;
        const failing = line.failing.length === 0 ? [{ line: null, value: null }] : line.failing;
        return failing.map(({ line: row, value }) => ({
          ruleId: id,
          level: 'error',
          message: { text: value === null ? message : `${message}; here: ${valueText(value)}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: file.file.split('/').map(encodeURIComponent).join('/') },
                ...(row === null ? {} : { region: { startLine: row } }),
              },
            },
          ],
        }));
      }),
  );
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'mlops', version, rules: [...rules.values()] } }, results }],
  };
}
