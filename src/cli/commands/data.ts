import { dataStatus, type Changes, type DataStatus } from '../../repo/compare/data-status.ts';
import type { Command, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dvcJson, readRepo, remoteFlag, say, sayAll } from '../session/data-session.ts';

const labels: Readonly<Record<string, readonly string[]>> = {
  not_in_cache: ['Not in cache', 'use "dvc fetch <file>..." to download files'],
  not_in_remote: ['Not in remote', 'use "dvc push <file>..." to upload files'],
  committed: ['DVC committed changes', 'git commit the corresponding dvc files to update the repo'],
  uncommitted: [
    'DVC uncommitted changes',
    'use "dvc commit <file>..." to track changes',
    'use "dvc checkout <file>..." to discard changes',
  ],
  untracked: ['Untracked files', 'use "git add <file> ..." or "dvc add <file>..." to commit to git or to dvc'],
  unchanged: ['DVC unchanged files'],
};

const status: Command = {
  name: 'data status',
  owner: 'dvc',
  summary: 'Show changes in tracked data, as git status does for code',
  description:
    'Compares the last commit with the .dvc files and dvc.lock (committed), and those with the workspace (uncommitted).',
  examples: [
    ['mlops data status', 'changed outputs'],
    ['mlops data status --granular --untracked-files', 'file by file, with files that nobody tracks'],
    ['mlops data status --not-in-remote', 'what a push would send'],
  ],
  args: [{ name: 'targets', summary: 'only these paths', optional: true, variadic: true, completes: 'path' }],
  flags: [
    { name: 'json', summary: 'as JSON' },
    { name: 'granular', summary: 'the files inside of folders too' },
    { name: 'unchanged', summary: 'what did not change too' },
    {
      name: 'untracked-files',
      value: 'MODE',
      optionalValue: true,
      choices: ['no', 'all', ''],
      default: 'no',
      summary: 'files that neither Git nor DVC tracks',
    },
    { name: 'not-in-remote', summary: 'what the remote lacks' },
    remoteFlag,
    { name: 'no-remote-refresh', summary: 'accepted for DVC; the remote is always asked' },
  ],
  async run(input, terminal) {
    const untracked = input.text('untracked-files') !== 'no';
    const report = await readRepo(terminal, (repo) =>
      dataStatus(repo, {
        targets: input.args,
        granular: input.on('granular'),
        untracked,
        notInRemote: input.on('not-in-remote'),
        remote: input.text('remote'),
        signal: terminal.signal,
        onProgress: terminal.progress,
      }),
    );
    const parts = partsOf(report, untracked, input.on('unchanged'));
    if (input.on('json')) say(terminal, dvcJson(new Map(parts)));
    else show(terminal, parts, report);
  },
};

type Part = readonly string[] | Changes;

/** What there is to show, in DVC's order. */
function partsOf(report: DataStatus, untracked: boolean, unchanged: boolean): [string, Part][] {
  const all: [string, Part][] = [
    ['not_in_cache', report.notInCache],
    ['not_in_remote', report.notInRemote],
    ['committed', report.committed],
    ['uncommitted', report.uncommitted],
    ...(untracked ? [['untracked', report.untracked] as [string, Part]] : []),
    ...(unchanged ? [['unchanged', report.unchanged] as [string, Part]] : []),
  ];
  return all.filter(([, part]) => (Array.isArray(part) ? part.length > 0 : Object.keys(part).length > 0));
}

function show(terminal: Terminal, parts: readonly [string, Part][], report: DataStatus): void {
  if (parts.length === 0) say(terminal, report.git.isEmpty ? 'No changes in an empty git repo.' : 'No changes.');
  parts.forEach(([name, part], i) => {
    if (i > 0) say(terminal, '');
    const [label = name, ...hints] = labels[name] ?? [];
    say(terminal, `${label}:`);
    for (const hint of hints) say(terminal, `  (${hint})`);
    sayAll(
      terminal,
      linesOf(part).map((line) => `        ${line}`),
    );
  });
  if (report.git.isDirty) {
    say(terminal, `(there are ${parts.length > 0 ? 'other ' : ''}changes not tracked by dvc, use "git status" to see)`);
  }
}

function linesOf(part: Part): readonly string[] {
  if (isList(part)) return part;
  return Object.entries(part).flatMap(([kind, changes]) =>
    changes.map((change) => `${kind}: ${typeof change === 'string' ? change : `${change.old} -> ${change.new}`}`),
  );
}

function isList(part: Part): part is readonly string[] {
  return Array.isArray(part);
}

export const verb: Verb = { name: 'data', summary: 'Show changes in tracked data', commands: [status] };
