import * as fs from 'node:fs';
import * as path from 'node:path';

import { checkAll } from '../../app/quality/check-gates.ts';
import { findGates } from '../../app/quality/gates-file.ts';
import { gatesMarkdown } from '../../app/quality/gates-report.ts';
import type { PyValue } from '../../base/index.ts';
import { tryResolveRevision } from '../../git/index.ts';
import { diffMetrics } from '../../repo/reports/metrics.ts';
import { diffParams } from '../../repo/reports/params.ts';
import { diffPlots, type Plot } from '../../repo/reports/plots.ts';
import type { Command, Input, Verb } from '../parse/command.ts';
import { findReportPlace, type ReportPlace } from '../session/report-project.ts';
import { defaultPrecision, valueText } from '../tables/report-format.ts';
import { diffTable } from '../tables/report-tables.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { gatesContext } from './check-gates.ts';
import { gatesFlag, judging, logFlag } from './monitor-input.ts';

const comment: Command = {
  name: 'ci comment',
  owner: 'mlops',
  summary: 'Write what changed since a branch as Markdown, for a pull request',
  description:
    'Metrics, params and plots of the work tree beside those of a revision, and what the gates of gates.yaml say. Whether gates pass decides nothing here: `mlops check all` does.',
  examples: [
    ['mlops ci comment --against main', 'print it'],
    ['mlops ci comment --against origin/main --out comment.md', 'then: gh pr comment --body-file comment.md'],
  ],
  flags: [
    { name: 'against', value: 'REV', summary: 'what to compare with', default: 'main', completes: 'revision' },
    { name: 'out', short: 'o', value: 'FILE', summary: 'write it there', completes: 'path' },
    { name: 'gates', negatable: true, summary: 'run the gates (where gates.yaml is there)' },
    { ...gatesFlag, name: 'gates-file' },
    logFlag,
  ],
  async run(input, terminal) {
    const place = findReportPlace(terminal);
    const wanted = input.text('against') ?? 'main';
    const known = tryResolveRevision(place.root, wanted) !== undefined;
    // A clone in CI has the branch of the pull request only; the others are those of its remote.
    const from = known ? wanted : `origin/${wanted}`;
    const parts = [`## Compared with ${wanted}`, ...tables(place, from, terminal), ...(await gates(input, terminal))];
    const text = `${parts.join('\n\n')}\n`;
    const file = input.text('out');
    if (file === undefined) terminal.write(text);
    else fs.writeFileSync(path.resolve(terminal.cwd, file), text);
  },
};

export const verb: Verb = { name: 'ci', summary: 'Tell code hosts what changed', commands: [comment] };

function tables(place: ReportPlace, from: string, terminal: Terminal): string[] {
  const options = { from, to: 'workspace', onWarning: (text: string) => terminal.warn(text) };
  const shown = { from, to: 'now', withPath: true, markdown: true };
  const metrics = diffTable(diffMetrics(place, options), place.directory, {
    ...shown,
    title: 'Metric',
    withChange: true,
    text: (value: PyValue) => valueText(value, defaultPrecision),
  });
  const params = diffTable(diffParams(place, options), place.directory, {
    ...shown,
    title: 'Param',
    withChange: false,
    text: (value: PyValue) => valueText(value),
  });
  const { plots } = diffPlots(place, [from, 'workspace'], { directory: place.directory });
  return [
    section('Metrics', metrics),
    section('Params', params),
    section('Plots', plots.length === 0 ? [] : plotTable(plots, from)),
  ];
}

function section(title: string, lines: readonly string[]): string {
  const content = lines.filter((line) => line.trim() !== '');
  return [`### ${title}`, '', ...(content.length === 0 ? ['No changes.'] : content)].join('\n');
}

/** A line a plot: on which sides it is, how many points it has there, and whether they are the same. */
function plotTable(plots: readonly Plot[], from: string): string[] {
  const rows = plots.map((plot) => {
    const [before, now] = [from, 'workspace'].map((revision) => pointsOf(plot, revision));
    const changed = before === now ? 'same' : 'changed';
    const count = (points: string | undefined): string =>
      points === undefined ? '-' : String(points.split('\n').length);
    return `| ${plot.id.replaceAll('|', '\\|')} | ${count(before)} | ${count(now)} | ${changed} |`;
  });
  return [`| Plot | Points in ${from} | Points now | |`, '|---|---|---|---|', ...rows];
}

function pointsOf(plot: Plot, revision: string): string | undefined {
  if (!plot.revisions.includes(revision)) return undefined;
  const rows = plot.rows.filter((row) => row.get('rev') === revision);
  const fields = (row: (typeof rows)[number]): PyValue[] => [...row].filter(([key]) => key !== 'rev').flat();
  return rows
    .map((row) =>
      fields(row)
        .map((value) => valueText(value))
        .join(','),
    )
    .join('\n');
}

async function gates(input: Input, terminal: Terminal): Promise<string[]> {
  const file = input.text('gates-file') ?? findGates(terminal.cwd);
  if (input.choice('gates') === false || file === undefined) return [];
  return [gatesMarkdown(await judging(async () => checkAll(gatesContext(file, input, terminal), [])))];
}
