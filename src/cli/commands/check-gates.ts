import * as fs from 'node:fs';

import { checkAll, checkVersion, type GatesContext, type GatesReport } from '../../app/quality/check-gates.ts';
import { checkCode } from '../../app/quality/code-gates.ts';
import { findGates, readGates } from '../../app/quality/gates-file.ts';
import { gateRows, gatesJunit, gatesMarkdown, outputOf } from '../../app/quality/gates-report.ts';
import { plural } from '../../base/index.ts';
import { canonicalStage } from '../../tracking/index.ts';
import type { Command, FlagSpec, Input } from '../parse/command.ts';
import { textTable } from '../tables/text-table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dataPlaces, gatesFlag, judging, logFlag } from './monitor-input.ts';

const formats = ['text', 'json', 'github', 'junit'] as const;

const flags: readonly FlagSpec[] = [
  gatesFlag,
  logFlag,
  { name: 'format', value: 'NAME', summary: 'how to print; github: job summary', choices: formats, default: 'text' },
  { name: 'json', summary: 'print JSON' },
];

const exits = { 0: 'all gates passed', 1: 'a gate failed', 2: 'gates.yaml or what it names is wrong' };

export const checkModelCommand: Command = {
  name: 'check model',
  owner: 'mlops',
  summary: 'Hold a version of a model against the gates of a stage',
  description:
    'gates.yaml says what a version must meet: thresholds on metrics of its run, not worse than Production on the same test rows (paired bootstrap), floors for slices, size, latency, required tags, signature, input example, lineage and clean Git, drift of its training data. The result is recorded on the version. docs/gates.md describes the file.',
  examples: [
    ['mlops check model models:/digits/3', 'the gates of Production'],
    ['mlops check model models:/digits/latest --stage Staging --json', 'another stage, as JSON'],
  ],
  args: [{ name: 'uri', summary: 'models:/NAME/VERSION, stage or alias', completes: 'model' }],
  flags: [{ name: 'stage', value: 'STAGE', summary: 'whose gates (Production where it has some)' }, ...flags],
  exits,
  async run(input, terminal) {
    const stage = input.text('stage');
    const check = await judging(async () =>
      checkVersion(
        contextOf(input, terminal),
        input.args[0] ?? '',
        stage === undefined ? undefined : canonicalStage(stage),
      ),
    );
    const report = { success: check.success, data: [], code: [], models: [check], skipped: [] };
    return show(report, check, input, terminal);
  },
};

export const checkCodeCommand: Command = {
  name: 'check code',
  owner: 'mlops',
  summary: 'Run the code checks of gates.yaml',
  description: 'Any commands; one that does not exit with 0 fails. All are run, in the folder of gates.yaml.',
  examples: [['mlops check code', 'for example tests, types and lint']],
  flags,
  exits,
  async run(input, terminal) {
    const code = await checkCode(contextOf(input, terminal));
    const report = { success: code.every((gate) => gate.passed), data: [], code, models: [], skipped: [] };
    return show(report, { success: report.success, code }, input, terminal);
  },
};

export const checkAllCommand: Command = {
  name: 'check all',
  owner: 'mlops',
  summary: 'Run all checks of gates.yaml: data, code and models',
  description:
    'Without a URI the newest version of each model that gates.yaml names. One table at the end; exit status 1 when anything failed.',
  examples: [
    ['mlops check all', 'what CI runs'],
    ['mlops check all models:/digits/3 --format github', 'with a job summary'],
  ],
  args: [{ name: 'uri', summary: 'versions to check', variadic: true, optional: true, completes: 'model' }],
  flags,
  exits,
  async run(input, terminal) {
    const report = await judging(async () => checkAll(contextOf(input, terminal), input.args));
    return show(report, report, input, terminal);
  },
};

function contextOf(input: Input, terminal: Terminal): GatesContext {
  return gatesContext(input.text('gates') ?? findGates(terminal.cwd) ?? 'gates.yaml', input, terminal);
}

/** What is needed to run the gates of a file. */
export function gatesContext(file: string, input: Input, terminal: Terminal): GatesContext {
  const { cwd, env, signal } = terminal;
  return {
    gates: readGates(cwd, file),
    places: dataPlaces(input, terminal),
    env,
    signal,
    onStep: (what) => terminal.note(`checking ${what}`),
    onOutput: (chunk) => {
      if (terminal.verbosity > 0) terminal.writeError(chunk);
    },
  };
}

function show(report: GatesReport, json: unknown, input: Input, terminal: Terminal): number {
  const format = input.on('json') ? 'json' : (input.text('format') ?? 'text');
  if (format === 'json') terminal.json(json);
  else if (format === 'junit') terminal.print(gatesJunit(report));
  else if (format === 'github') {
    const summary = terminal.env['GITHUB_STEP_SUMMARY'];
    if (summary === undefined || summary === '') terminal.print(gatesMarkdown(report));
    else {
      fs.appendFileSync(summary, `${gatesMarkdown(report)}\n\n`);
      printTable(report, terminal);
    }
  } else printTable(report, terminal);
  return report.success ? 0 : 1;
}

function printTable(report: GatesReport, terminal: Terminal): void {
  const { style } = terminal;
  const rows = gateRows(report);
  const header = [
    { title: '', drop: 0 },
    { title: 'Subject', drop: 0 },
    { title: 'Gate', drop: 0 },
    { title: 'Expected', drop: 2 },
    { title: 'Found', drop: 0 },
  ] as const;
  const cells = rows.map(({ subject, gate }) => [
    gate.skipped === true ? 'skipped' : gate.passed ? 'ok' : 'FAILED',
    subject,
    `${gate.gate} ${gate.name}`,
    gate.expected,
    gate.found,
  ]);
  // Where nobody looks at the width, nothing is cut; else what failed is told in full below.
  const width = terminal.stdoutIsTty ? terminal.columns : 10_000;
  if (rows.length > 0) {
    for (const line of textTable(header, cells, width)) terminal.print(line);
  }
  for (const { gate } of rows) {
    if (gate.passed) continue;
    const output = outputOf(gate);
    const title = `${style.bold(`${gate.gate} ${gate.name}`)}: expected ${gate.expected}, found ${gate.found}`;
    if (terminal.stdoutIsTty || output !== '') terminal.print(`\n${style.red('FAILED')} ${title}`);
    if (output !== '') terminal.print(output.replaceAll(/^/gm, '    '));
  }
  for (const what of report.skipped) terminal.note(`skipped ${what}`);
  const failed = rows.filter(({ gate }) => !gate.passed).length;
  terminal.print('');
  terminal.print(
    failed === 0
      ? style.green(rows.length === 0 ? 'nothing was checked' : `all ${plural(rows.length, 'gate')} passed`)
      : style.red(`${failed} of ${plural(rows.length, 'gate')} failed`),
  );
}
