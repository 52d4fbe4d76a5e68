import type { QualityReport } from '../result.ts';
import { escapeXml, failingText, reportLines } from './words.ts';

/** A test of a JUnit report. */
export interface JunitCase {
  readonly name: string;
  readonly group: string;
  /** Undefined where it passed. */
  readonly failure?: { readonly message: string; readonly text: string } | undefined;
  readonly skipped?: string | undefined;
}

/** The report as JUnit's XML: a suite a file, a test an expectation. */
export function qualityJunit(report: QualityReport): string {
  const cases = report.files.flatMap((file) =>
    reportLines(file).map((line): JunitCase => {
      const message = `expected ${line.expected}: ${line.found}`;
      return {
        name: line.title,
        group: file.file,
        failure: line.success ? undefined : { message, text: `${file.file}: ${failingText(line.failing, 20)}` },
      };
    }),
  );
  return junit('mlops check data', cases);
}

/** Any tests as JUnit's XML, a suite for each group. */
export function junit(name: string, cases: readonly JunitCase[]): string {
  const groups = new Map<string, JunitCase[]>();
  for (const one of cases) {
    const group = groups.get(one.group);
    if (group === undefined) groups.set(one.group, [one]);
    else group.push(one);
  }
  const attributes = (some: readonly JunitCase[]): string => {
    const failures = some.filter((one) => one.failure !== undefined).length;
    const skipped = some.filter((one) => one.skipped !== undefined).length;
    return `tests="${some.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  };
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeXml(name)}" ${attributes(cases)}>`,
  ];
  for (const [group, some] of groups) {
    lines.push(
      `  <testsuite name="${escapeXml(group)}" ${attributes(some)}>`,
      ...some.flatMap(caseLines),
      '  </testsuite>',
    );
  }
  return [...lines, '</testsuites>'].join('\n');
}

function caseLines({ name, group, failure, skipped }: JunitCase): string[] {
  const open = `    <testcase name="${escapeXml(name)}" classname="${escapeXml(group)}"`;
  if (skipped !== undefined) return [`${open}>`, `      <skipped message="${escapeXml(skipped)}"/>`, '    </testcase>'];
  if (failure === undefined) return [`${open}/>`];
  const { message, text } = failure;
  return [`${open}>`, `      <failure message="${escapeXml(message)}">${escapeXml(text)}</failure>`, '    </testcase>'];
}
