import { describe, expect, it } from 'vitest';

import { belowFloor } from '../scripts/bench-floors.mjs';
import { isLater, releaseNotes } from '../scripts/changelog.mjs';
import { closingLines } from '../scripts/count-reporter.mjs';

describe('the changelog at a release', () => {
  const before = '# Changelog\n\n## Unreleased\n\n- One.\n- Two.\n';

  it('gives what is new its version and date, below a new Unreleased', () => {
    const first = releaseNotes(before, '0.2.0', '2026-12-01');
    expect(first.notes).toBe('- One.\n- Two.');
    expect(first.text).toBe('# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n- One.\n- Two.\n');
    const second = releaseNotes(
      first.text.replace('## Unreleased\n', '## Unreleased\n\n- Three.\n'),
      '0.3.0',
      '2027-01-02',
    );
    expect(second.notes).toBe('- Three.');
    expect(second.text).toBe(
      '# Changelog\n\n## Unreleased\n\n## 0.3.0 - 2027-01-02\n\n- Three.\n\n## 0.2.0 - 2026-12-01\n\n- One.\n- Two.\n',
    );
  });

  it('refuses to release nothing, and a version twice', () => {
    const { text } = releaseNotes(before, '0.2.0', '2026-12-01');
    expect(() => releaseNotes(text, '0.3.0', '2026-12-02')).toThrow('nothing is under Unreleased');
    expect(() => releaseNotes(text, '0.2.0', '2026-12-02')).toThrow('has version 0.2.0 already');
  });

  it('knows which version is later', () => {
    expect(isLater('0.10.0', '0.9.9')).toBe(true);
    expect(isLater('1.0.0', '0.9.9')).toBe(true);
    expect(isLater('0.9.9', '0.9.9')).toBe(false);
    expect(isLater('0.9.8', '0.9.9')).toBe(false);
  });
});

describe('the floors of benchmarks', () => {
  const tables = [
    {
      title: 'ten',
      header: ['step', 'ratio'],
      rows: [
        ['add', '4.5x'],
        ['pull', '2.0x'],
        ['gc', '-'],
      ],
    },
  ];

  it('tell what fell under them, and what was not measured', () => {
    expect(belowFloor(tables, { ten: { add: 4.5, pull: 2 } })).toEqual([]);
    expect(belowFloor(tables, { ten: { add: 4.6 } })).toEqual(['ten, add: 4.5x, floor 4.6x']);
    const unmeasured = belowFloor(tables, { ten: { gc: 1, status: 1 }, eleven: { add: 1 } });
    expect(unmeasured.map((line) => line.split(':')[0])).toEqual(['ten, gc', 'ten, status', 'eleven, add']);
  });
});

describe('the last lines of the tests', () => {
  const test = (fullName: string, state: string, retryCount = 0) => ({
    fullName,
    result: () => ({ state }),
    diagnostic: () => ({ retryCount }),
  });
  const module = (tests: readonly unknown[], suites: readonly string[] = []) => ({
    relativeModuleId: 'test/a.test.ts',
    state: () => 'passed',
    children: { allTests: () => tests, allSuites: () => suites.map((name) => ({ name })) },
  });

  it('count', () => {
    expect(closingLines([module([test('a', 'passed'), test('b', 'failed'), test('c', 'skipped')])], [])).toEqual([
      '1 passed, 1 failed, 1 skipped',
    ]);
  });

  it('name each test that needed a second try, and what was not run and why', () => {
    const skipped = module(
      [test('x', 'skipped')],
      ['pull (not run: dvc missing, npm run tools -- dvc)', 'push (not run: dvc missing, npm run tools -- dvc)'],
    );
    expect(closingLines([module([test('odd one', 'passed', 1)]), skipped], [])).toEqual([
      'Needed a second try, which is a fault to mend:',
      '  passed: test/a.test.ts > odd one',
      'Not run:',
      '  2 suites, because of dvc missing, npm run tools -- dvc\n    pull; push',
      '1 passed, 0 failed, 1 skipped',
    ]);
  });
});
