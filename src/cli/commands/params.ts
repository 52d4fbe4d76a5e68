import type { PyValue } from '../../base/index.ts';
import { diffParams } from '../../repo/reports/params.ts';
import type { Command, Verb } from '../parse/command.ts';
import { say } from '../session/data-session.ts';
import { valueText } from '../tables/report-format.ts';
import { findReportPlace } from '../session/report-project.ts';
import { diffJson, diffTable } from '../tables/report-tables.ts';

const diff: Command = {
  name: 'params diff',
  owner: 'dvc',
  summary: 'Show what changed in params between two commits',
  description:
    'Compares params.yaml, the files that dvc.yaml names under `params`, and the values that its templates take from other files.',
  examples: [
    ['mlops params diff', 'between the last commit and the workspace'],
    ['mlops params diff main feature --md', 'between two branches, for a pull request'],
  ],
  args: [
    { name: 'a_rev', summary: 'old revision (HEAD unless given)', optional: true, completes: 'revision' },
    { name: 'b_rev', summary: 'new revision (the workspace unless given)', optional: true, completes: 'revision' },
  ],
  flags: [
    { name: 'targets', value: 'PATHS', repeat: 'many', summary: 'only these files', completes: 'path' },
    { name: 'all', summary: 'unchanged values too' },
    { name: 'deps', summary: 'only params that stages depend on' },
    { name: 'json', summary: 'print JSON' },
    { name: 'md', summary: 'print a Markdown table' },
    { name: 'no-path', summary: 'leave out the column of paths' },
  ],
  run(input, terminal) {
    const place = findReportPlace(terminal);
    const [from = 'HEAD', to = 'workspace'] = input.args;
    const result = diffParams(place, {
      from,
      to,
      targets: input.list('targets').map(place.inside),
      all: input.on('all'),
      depsOnly: input.on('deps'),
      onWarning: (text) => terminal.warn(text),
    });
    if (result.failed.length > 0)
      terminal.error(`DVC failed to load some params for following revisions: '${result.failed.join(', ')}'.`);
    if (input.on('json')) {
      say(terminal, diffJson(result, place.directory));
      return;
    }
    const options = {
      title: 'Param' as const,
      from,
      to,
      withPath: !input.on('no-path'),
      withChange: false,
      markdown: input.on('md'),
      text: (value: PyValue) => valueText(value),
    };
    for (const line of diffTable(result, place.directory, options)) terminal.print(line);
  },
};

export const verb: Verb = { name: 'params', summary: 'Compare params', commands: [diff] };
