import { escapeCell, junit, type JunitCase } from '../../quality/index.ts';
import { uriOf, type GateResult } from './gate-result.ts';
import type { GatesReport } from './check-gates.ts';

/** A row of the table of gates. */
export interface GateRow {
  /** `data`, `code`, or the version that was checked. */
  readonly subject: string;
  readonly gate: GateResult;
}

export function gateRows({ data, code, models }: Pick<GatesReport, 'data' | 'code' | 'models'>): GateRow[] {
  return [
    ...data.map((gate) => ({ subject: 'data', gate })),
    ...code.map((gate) => ({ subject: 'code', gate })),
    ...models.flatMap((check): GateRow[] => {
      const subject = `${uriOf({ name: check.model, version: check.version })} (${check.stage})`;
      if (check.gates.length > 0) return check.gates.map((gate) => ({ subject, gate }));
      const found = `there are no gates for ${check.stage}`;
      return [{ subject, gate: { gate: 'model', name: 'gates', passed: true, skipped: true, expected: '', found } }];
    }),
  ];
}

export function gatesMarkdown(report: GatesReport): string {
  const rows = gateRows(report);
  const failed = rows.filter(({ gate }) => !gate.passed);
  const title = failed.length === 0 ? 'passed' : `failed (${failed.length} of ${rows.length})`;
  const lines = [`### Gates: ${title}`, '', '| | Subject | Gate | Expected | Found |', '|---|---|---|---|---|'];
  for (const { subject, gate } of rows) {
    const mark = gate.skipped === true ? '➖' : gate.passed ? '✅' : '❌';
    const cells = [subject, `${gate.gate} ${gate.name}`, gate.expected, gate.found];
    lines.push(`| ${[mark, ...cells.map(escapeCell)].join(' | ')} |`);
  }
  for (const what of report.skipped) lines.push('', `Skipped ${escapeCell(what)}.`);
  for (const { gate } of failed) {
    const output = outputOf(gate);
    if (output === '') continue;
    lines.push('', `Output of ${escapeCell(gate.name)}:`, '', ...output.split('\n').map((line) => `    ${line}`));
  }
  return lines.join('\n');
}

export function gatesJunit(report: GatesReport): string {
  const cases = gateRows(report).map(({ subject, gate }): JunitCase => {
    const { passed, skipped, expected, found } = gate;
    return {
      name: `${gate.gate} ${gate.name}`,
      group: subject,
      failure: passed ? undefined : { message: `expected ${expected}: ${found}`, text: outputOf(gate) },
      skipped: skipped === true ? found : undefined,
    };
  });
  return junit('mlops check', cases);
}

/** The last lines that a command printed. */
export function outputOf({ details }: GateResult): string {
  const { output } = (details ?? {}) as { output?: unknown };
  return typeof output === 'string' ? output : '';
}
