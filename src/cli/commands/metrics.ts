import { diffMetrics, showMetrics } from '../../repo/reports/metrics.ts';
import { hasFailure } from '../../repo/reports/report.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { say } from '../session/data-session.ts';
import { defaultPrecision, valueText } from '../tables/report-format.ts';
import { findReportPlace } from '../session/report-project.ts';
import { diffJson, diffTable, reportJson, reportTable } from '../tables/report-tables.ts';

const formatFlags: readonly FlagSpec[] = [
  { name: 'json', summary: 'print JSON' },
  { name: 'md', summary: 'print a Markdown table' },
];

const fileFlags: readonly FlagSpec[] = [
  { name: 'recursive', short: 'R', summary: 'search directories among the targets for metrics files' },
  {
    name: 'precision',
    value: 'N',
    integer: true,
    summary: `round to N digits after the point (${defaultPrecision} unless given)`,
  },
];

const show: Command = {
  name: 'metrics show',
  owner: 'dvc',
  summary: 'Print the metrics of the project',
  description:
    'Metrics are numbers, booleans and texts in JSON, YAML, TOML or Python files that dvc.yaml names under `metrics`. A file that is not in the workspace is read from the cache.',
  examples: [
    ['mlops metrics show', 'a row per metrics file'],
    ['mlops metrics show -a -T', 'of all branches and tags'],
    ['mlops metrics show --md', 'for a pull request'],
  ],
  args: [
    { name: 'targets', summary: 'only these files or directories', optional: true, variadic: true, completes: 'path' },
  ],
  flags: [
    { name: 'all-branches', short: 'a', summary: 'of all branches' },
    { name: 'all-tags', short: 'T', summary: 'of all tags' },
    { name: 'all-commits', short: 'A', summary: 'of all commits' },
    ...formatFlags,
    ...fileFlags,
  ],
  run(input, terminal) {
    const place = findReportPlace(terminal);
    const reports = showMetrics(place, {
      targets: input.args.map(place.inside),
      allBranches: input.on('all-branches'),
      allTags: input.on('all-tags'),
      allCommits: input.on('all-commits'),
      onWarning: (text) => terminal.warn(text),
    });
    warnOfFailures(
      'metrics',
      reports.filter(hasFailure).map((report) => report.label),
      terminal,
    );
    if (input.on('json')) {
      say(terminal, reportJson(reports, place.directory));
      return;
    }
    const withRevision = ['all-branches', 'all-tags', 'all-commits'].some((flag) => input.on(flag));
    const options = { withRevision, markdown: input.on('md'), precision: precisionOf(input) };
    for (const line of reportTable(reports, place.directory, options)) terminal.print(line);
  },
};

const diff: Command = {
  name: 'metrics diff',
  owner: 'dvc',
  summary: 'Show what changed in metrics between two commits',
  examples: [
    ['mlops metrics diff', 'between the last commit and the workspace'],
    ['mlops metrics diff main feature --md', 'between two branches, for a pull request'],
  ],
  args: [
    { name: 'a_rev', summary: 'old revision (HEAD unless given)', optional: true, completes: 'revision' },
    { name: 'b_rev', summary: 'new revision (the workspace unless given)', optional: true, completes: 'revision' },
  ],
  flags: [
    { name: 'targets', value: 'PATHS', repeat: 'many', summary: 'only these files or directories', completes: 'path' },
    { name: 'all', summary: 'unchanged values too' },
    { name: 'no-path', summary: 'leave out the column of paths' },
    ...formatFlags,
    ...fileFlags,
  ],
  run(input, terminal) {
    const place = findReportPlace(terminal);
    const [from = 'HEAD', to = 'workspace'] = input.args;
    const targets = input.list('targets').map(place.inside);
    const result = diffMetrics(place, {
      from,
      to,
      targets,
      all: input.on('all'),
      onWarning: (text) => terminal.warn(text),
    });
    warnOfFailures('metrics', result.failed, terminal);
    if (input.on('json')) {
      say(terminal, diffJson(result, place.directory));
      return;
    }
    const lines = diffTable(result, place.directory, {
      title: 'Metric',
      from,
      to,
      withPath: !input.on('no-path'),
      withChange: true,
      markdown: input.on('md'),
      text: (value) => valueText(value, precisionOf(input)),
    });
    for (const line of lines) terminal.print(line);
  },
};

export const verb: Verb = { name: 'metrics', summary: 'Show and compare metrics', commands: [show, diff] };

/** DVC takes 0 for "not given". */
function precisionOf(input: Input): number {
  return input.number('precision') || defaultPrecision;
}

function warnOfFailures(what: string, labels: readonly string[], terminal: Terminal): void {
  if (labels.length === 0) return;
  terminal.error(`DVC failed to load some ${what} for following revisions: '${labels.join(', ')}'.`);
}
