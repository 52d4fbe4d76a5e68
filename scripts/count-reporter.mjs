// The last lines of `npm test`: what was run again, what was not run and why, and how many tests passed and failed,
// in a form that any CI reads.
export default class CountReporter {
  onTestRunEnd(modules, errors) {
    const lines = closingLines(modules, errors);
    process.once('exit', () => process.stdout.write(`\n${lines.join('\n')}\n`));
  }
}

/** @param modules vitest's test modules; @param errors what no test is to blame for */
export function closingLines(modules, errors) {
  const count = { passed: 0, failed: errors.length, skipped: 0 };
  const retried = [];
  /** Suites by the reason why they were not run. */
  const notRun = new Map();
  for (const module of modules) {
    let seen = 0;
    for (const test of module.children.allTests()) {
      seen++;
      const { state } = test.result();
      if (state === 'passed' || state === 'failed') count[state]++;
      else count.skipped++;
      if ((test.diagnostic()?.retryCount ?? 0) > 0)
        retried.push(`${state}: ${module.relativeModuleId ?? module.moduleId} > ${test.fullName}`);
    }
    if (seen === 0 && module.state() === 'failed') count.failed++;
    for (const suite of module.children.allSuites()) {
      const [, title, reason] = /^(.*) \(not run: (.*)\)$/s.exec(suite.name) ?? [];
      if (reason !== undefined) notRun.set(reason, [...(notRun.get(reason) ?? []), title]);
    }
  }
  return [
    ...(retried.length > 0
      ? ['Needed a second try, which is a fault to mend:', ...retried.map((line) => `  ${line}`)]
      : []),
    ...(notRun.size > 0
      ? [
          'Not run:',
          ...[...notRun].map(
            ([reason, titles]) => `  ${titles.length} suites, because of ${reason}\n    ${titles.join('; ')}`,
          ),
        ]
      : []),
    `${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`,
  ];
}
