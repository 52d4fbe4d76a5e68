import * as path from 'node:path';

import { checkScope, gc, type GcCommand, type GcResult } from '../../repo/sync/gc.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { jobsFlag, remoteFlag, revisionFlags, say, withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'gc',
  owner: 'dvc',
  summary: 'Delete what nothing uses from cache and remote',
  description: 'At least one flag must say what to keep; the workspace is always kept. --dry shows what would go.',
  examples: [
    ['mlops gc -w --dry', 'what the workspace does not use'],
    ['mlops gc -a -T', 'keep the data of all branches and tags'],
    ['mlops gc -w -c', 'clean the remote too'],
  ],
  flags: [
    { name: 'workspace', short: 'w', summary: 'keep what the workspace uses' },
    ...revisionFlags.map((flag) => ({
      ...flag,
      summary: flag.summary.replace('of all', 'keep what is used in all').replace(' too', ''),
    })),
    { name: 'all-experiments', summary: 'keep what experiments use' },
    { name: 'date', value: 'DATE', summary: 'keep commits from this day on' },
    { name: 'rev', value: 'REV', summary: 'keep commits from this one back', completes: 'revision' },
    { name: 'num', short: 'n', value: 'N', integer: true, summary: 'with --rev: how many commits back' },
    { name: 'not-in-remote', summary: 'keep only what the remote does not have' },
    { name: 'cloud', short: 'c', summary: 'delete from the remote too' },
    remoteFlag,
    { name: 'dry', summary: 'only show what would be deleted' },
    { name: 'force', short: 'f', summary: 'do not ask' },
    jobsFlag,
    {
      name: 'projects',
      short: 'p',
      value: 'PATHS',
      repeat: 'many',
      summary: 'other projects that share the cache',
      completes: 'path',
    },
    { name: 'skip-failed', summary: 'go on although a revision cannot be read' },
  ],
  async run(input, terminal) {
    const command = commandOf(input, terminal);
    checkScope(command);
    terminal.warn(explain(command));
    if (!input.on('force') && !input.on('dry')) {
      const preview = await withRepo(terminal, (repo) => gc(repo, { ...command, dry: true }));
      for (const { where, removed } of preview)
        terminal.note(`  ${removed.length} objects of the ${where === 'remote' ? 'remote' : `${where} cache`}`);
      if (!(await terminal.confirmAnywhere('Are you sure you want to proceed?'))) return 1;
    }
    const results = await withRepo(terminal, (repo) => gc(repo, command));
    if (input.on('dry'))
      for (const { removed } of results) for (const file of removed) say(terminal, `Removing ${file}`);
    for (const result of results) say(terminal, lineOf(result));
    return 0;
  },
};

function commandOf(input: Input, terminal: Terminal): GcCommand {
  const rev = input.text('rev');
  return {
    workspace: input.on('workspace'),
    allBranches: input.on('all-branches'),
    allTags: input.on('all-tags'),
    allCommits: input.on('all-commits'),
    allExperiments: input.on('all-experiments'),
    date: input.text('date'),
    rev,
    num: input.number('num') ?? (rev === undefined ? undefined : 1),
    notInRemote: input.on('not-in-remote'),
    cloud: input.on('cloud'),
    remote: input.text('remote'),
    dry: input.on('dry'),
    projects: input.list('projects').map((project) => path.resolve(terminal.cwd, project)),
    skipFailed: input.on('skip-failed'),
    force: input.on('force'),
    onWarning: (message) => terminal.warn(message),
    signal: terminal.signal,
    onProgress: terminal.progress,
  };
}

function explain(command: GcCommand): string {
  const kept = ['the workspace'];
  if (command.allCommits === true) kept.push('all git commits');
  else {
    if (command.allBranches === true) kept.push('all git branches');
    if (command.allTags === true) kept.push('all git tags');
    if (command.date !== undefined) kept.push(`all git commits from ${command.date} on`);
    if (command.rev !== undefined) kept.push(`last ${command.num ?? 1} commits from ${command.rev}`);
  }
  if (command.allExperiments === true) kept.push('all experiments');
  const where = command.notInRemote === true ? ' that are not present in the DVC remote' : '';
  const projects = command.projects ?? [];
  const whose =
    projects.length === 0
      ? 'of the current repo.'
      : `of the current and the following repos:\n  - ${projects.join('\n  - ')}`;
  return `This will remove all cache except items used in ${kept.join(' and ')}${where} ${whose}`;
}

function lineOf({ where, removed }: GcResult): string {
  if (where === 'remote') {
    return removed.length > 0
      ? `Removed ${removed.length} objects from remote.`
      : 'No unused cache to remove from remote.';
  }
  return removed.length > 0
    ? `Removed ${removed.length} objects from ${where} cache.`
    : `No unused '${where}' cache to remove.`;
}
