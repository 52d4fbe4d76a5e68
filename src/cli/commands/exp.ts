import { MlopsError, pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import { diffExperiments } from '../../repo/experiments/experiments-diff.ts';
import { listExperiments } from '../../repo/experiments/experiments-list.ts';
import { showExperiments } from '../../repo/experiments/experiments-show.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import { experimentsJson } from '../tables/experiment-json.ts';
import { experimentCsv, experimentMarkdown, experimentText, mergeNames } from '../tables/experiment-print.ts';
import { experimentTable, keepColumns, type ExperimentTable } from '../tables/experiment-table.ts';
import { page } from '../terminal/pager.ts';
import { defaultPrecision, shortValueText } from '../tables/report-format.ts';
import { findReportPlace } from '../session/report-project.ts';
import { diffMap, diffTable } from '../tables/report-tables.ts';
import { writingCommands } from './exp-write.ts';

const baselineFlags: readonly FlagSpec[] = [
  { name: 'all-commits', short: 'A', summary: 'of all commits' },
  {
    name: 'rev',
    value: 'COMMIT',
    repeat: 'each',
    summary: 'that started from this commit (HEAD unless given)',
    completes: 'revision',
  },
  {
    name: 'num',
    short: 'n',
    value: 'N',
    integer: true,
    default: '1',
    summary: 'of so many commits back from it; negative: all',
  },
];

const list: Command = {
  name: 'exp list',
  aliases: ['ls'],
  owner: 'dvc',
  summary: 'List experiments by the commit that they started from',
  examples: [
    ['mlops exp list', 'those of the last commit'],
    ['mlops exp list -A origin', 'all that the Git remote has'],
  ],
  args: [{ name: 'git_remote', summary: 'a Git remote, by name or URL', optional: true }],
  flags: [
    ...baselineFlags,
    { name: 'name-only', aliases: ['names-only'], summary: 'only names' },
    { name: 'sha-only', aliases: ['shas-only'], summary: 'only commit hashes' },
    { name: 'json', ours: true, summary: 'as JSON' },
  ],
  run(input, terminal) {
    const { root } = findReportPlace(terminal);
    const [remote] = input.args;
    if (input.on('sha-only') && remote !== undefined)
      throw new MlopsError('usage', '--sha-only not supported with git_remote.', { exit: 255 });
    if (input.on('json')) return terminal.json(listExperiments(root, { ...baselinesOf(input), remote }));
    const plain = input.on('name-only') || input.on('sha-only');
    for (const { commit, name, experiments } of listExperiments(root, { ...baselinesOf(input), remote })) {
      if (!plain) terminal.print(`${name ?? commit.slice(0, 7)}:`);
      for (const experiment of experiments) {
        if (input.on('name-only')) terminal.print(experiment.name);
        else if (input.on('sha-only')) terminal.print(experiment.commit ?? '');
        else if (experiment.commit === undefined) terminal.print(`\t${experiment.name}`);
        else terminal.print(`\t${experiment.commit.slice(0, 7)} [${experiment.name}]`);
      }
    }
  },
};

const show: Command = {
  name: 'exp show',
  owner: 'dvc',
  summary: 'Show experiments with their metrics and params',
  examples: [
    ['mlops exp show', 'the workspace, the last commit and its experiments'],
    ['mlops exp show --only-changed --sort-by accuracy --sort-order desc', 'what differs, best first'],
    ['mlops exp show --csv > experiments.csv', 'for a spreadsheet'],
  ],
  flags: [
    ...baselineFlags,
    { name: 'all-branches', short: 'a', summary: 'of all branches' },
    { name: 'all-tags', short: 'T', summary: 'of all tags' },
    { name: 'no-pager', summary: 'print without `less`, DVC_PAGER or PAGER' },
    { name: 'only-changed', summary: 'only columns whose values differ' },
    { name: 'drop', value: 'REGEX', repeat: 'each', summary: 'without the columns whose names begin like this' },
    { name: 'keep', value: 'REGEX', repeat: 'each', summary: 'keep the columns whose names begin like this' },
    { name: 'param-deps', summary: 'only params that stages depend on' },
    { name: 'sort-by', value: 'NAME', summary: 'order experiments by a metric or param' },
    { name: 'sort-order', value: 'ORDER', choices: ['asc', 'desc'], default: 'asc', summary: 'rising or falling' },
    { name: 'sha', summary: 'commit hashes instead of branch and tag names' },
    { name: 'hide-failed', summary: 'without failed experiments' },
    { name: 'hide-queued', summary: 'without queued experiments' },
    { name: 'hide-workspace', summary: 'without the workspace' },
    { name: 'json', summary: 'print JSON' },
    { name: 'csv', summary: 'print CSV' },
    { name: 'md', summary: 'print a Markdown table' },
    { name: 'precision', value: 'N', integer: true, summary: 'significant digits of CSV' },
    { name: 'no-fetch', summary: 'accepted: nothing is fetched', hidden: true },
    { name: 'force', short: 'f', summary: 'accepted: nothing is cached' },
  ],
  failure: 1,
  async run(input, terminal) {
    const place = findReportPlace(terminal);
    const baselines = showExperiments(place, {
      ...baselinesOf(input),
      allBranches: input.on('all-branches'),
      allTags: input.on('all-tags'),
      hideWorkspace: input.on('hide-workspace'),
      hashOnly: input.on('sha'),
      paramDeps: input.on('param-deps'),
    });
    if (input.on('json')) {
      terminal.print(experimentsJson(baselines));
      return;
    }
    const csv = input.on('csv');
    const whole = experimentTable(baselines, {
      fill: csv ? '' : '-',
      precision: csv ? input.number('precision') || undefined : defaultPrecision,
      iso: csv,
      sortBy: input.text('sort-by'),
      descending: input.text('sort-order') === 'desc',
    });
    const table = chosenColumns(csv ? whole : mergeNames(whole), input);
    if (csv) terminal.write(experimentCsv(table));
    else if (input.on('md')) for (const line of experimentMarkdown(table)) terminal.print(line);
    else {
      // A pager scrolls sideways.
      const width = terminal.stdoutIsTty && input.on('no-pager') ? terminal.columns : undefined;
      const lines = experimentText(table, terminal.style, width);
      if (lines.length === 0) return;
      if (input.on('no-pager')) for (const line of lines) terminal.print(line);
      else await page(lines.join('\n'), terminal);
    }
  },
};

const diff: Command = {
  name: 'exp diff',
  owner: 'dvc',
  summary: 'Show what changed between two experiments',
  examples: [
    ['mlops exp diff my-exp', 'from an experiment to the workspace'],
    ['mlops exp diff exp-a exp-b --md', 'between two, for a pull request'],
  ],
  args: [
    { name: 'a_rev', summary: 'old experiment or revision (HEAD unless given)', optional: true, completes: 'revision' },
    { name: 'b_rev', summary: 'new one (the workspace unless given)', optional: true, completes: 'revision' },
  ],
  flags: [
    { name: 'all', summary: 'unchanged values too' },
    { name: 'param-deps', summary: 'only params that stages depend on' },
    { name: 'json', summary: 'print JSON' },
    { name: 'md', summary: 'print Markdown tables' },
    { name: 'no-path', summary: 'leave out the column of paths' },
    {
      name: 'precision',
      value: 'N',
      integer: true,
      summary: `significant digits of metrics (${defaultPrecision} unless given)`,
    },
  ],
  failure: 1,
  run(input, terminal) {
    const place = findReportPlace(terminal);
    const [from, to] = input.args;
    const result = diffExperiments(place, { from, to, all: input.on('all'), paramDeps: input.on('param-deps') });
    if (input.on('json')) {
      const parts: [PyValue, PyMap][] =
        result === undefined
          ? []
          : [
              ['metrics', diffMap({ files: result.metrics }, '')],
              ['params', diffMap({ files: result.params }, '')],
            ];
      terminal.print(pythonJson(new Map(parts), false));
      return;
    }
    if (result === undefined) return;
    const precision = input.number('precision') || defaultPrecision;
    const common = {
      from: from ?? 'HEAD',
      to: to ?? 'workspace',
      withPath: !input.on('no-path'),
      withChange: true,
      markdown: input.on('md'),
      noDifference: 'diff not supported',
    };
    const metrics = { ...common, title: 'Metric' as const, text: (value: PyValue) => shortValueText(value, precision) };
    const params = { ...common, title: 'Param' as const, text: (value: PyValue) => shortValueText(value) };
    for (const line of diffTable({ files: result.metrics }, '', metrics)) terminal.print(line);
    terminal.print();
    for (const line of diffTable({ files: result.params }, '', params)) terminal.print(line);
  },
};

export const verb: Verb = {
  name: 'exp',
  summary: 'Run, show and compare experiments',
  commands: [...writingCommands.slice(0, 1), show, list, diff, ...writingCommands.slice(1)],
};

function baselinesOf(input: Input): { allCommits: boolean; revisions: readonly string[]; count: number } {
  return { allCommits: input.on('all-commits'), revisions: input.list('rev'), count: input.number('num') ?? 1 };
}

/** `--only-changed`, `--drop` and `--keep`, in DVC's order of precedence. */
function chosenColumns(table: ExperimentTable, input: Input): ExperimentTable {
  const keep = beginsWith(input.list('keep'));
  const drop = beginsWith(input.list('drop'));
  const changed = (index: number): boolean => new Set(table.rows.map((row) => row[index])).size !== 1;
  return keepColumns(table, ({ name }, index) => {
    if (keep(name)) return true;
    return !drop(name) && (!input.on('only-changed') || changed(index));
  });
}

function beginsWith(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => false;
  try {
    const pattern = new RegExp(`^(?:${patterns.join('|')})`);
    return (name) => pattern.test(name);
  } catch (error) {
    throw new MlopsError('usage', `'${patterns.join(' ')}' is no regular expression`, { cause: error });
  }
}
