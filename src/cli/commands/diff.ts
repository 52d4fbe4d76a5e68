import { diff, type DiffEntry, type DiffReport } from '../../repo/compare/diff.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dvcJson, say, withRepo } from '../session/data-session.ts';
import { dvcTable } from '../tables/dvc-table.ts';

type Kind = keyof DiffReport;

export const verb: Command = {
  name: 'diff',
  owner: 'dvc',
  summary: 'Show what changed in tracked data between commits',
  examples: [
    ['mlops diff', 'between the last commit and the workspace'],
    ['mlops diff v1 v2 --json', 'between two tags, for scripts'],
    ['mlops diff main --md', 'for a pull request'],
  ],
  args: [
    { name: 'a_rev', summary: 'old revision (HEAD unless given)', optional: true, completes: 'revision' },
    { name: 'b_rev', summary: 'new revision (the workspace unless given)', optional: true, completes: 'revision' },
  ],
  flags: [
    { name: 'targets', value: 'PATHS', repeat: 'many', summary: 'only these paths', completes: 'path' },
    { name: 'json', summary: 'as JSON' },
    { name: 'show-hash', summary: 'hashes too' },
    { name: 'md', summary: 'as a Markdown table' },
    { name: 'hide-missing', summary: 'leave out what is not in the cache' },
  ],
  failure: 1,
  async run(input, terminal) {
    const [from = 'HEAD', to] = input.args;
    const report = await withRepo(terminal, (repo) =>
      diff(repo, { from, to, targets: input.list('targets'), signal: terminal.signal, onProgress: terminal.progress }),
    );
    const kinds: Kind[] = ['added', 'deleted', 'renamed', 'modified'];
    if (to === undefined && !input.on('hide-missing')) kinds.push('not in cache');
    const withHash = input.on('show-hash');
    if (input.on('json')) say(terminal, dvcJson(jsonOf(report, kinds, withHash)));
    else if (input.on('md')) showMarkdown(terminal, report, kinds, withHash);
    else if (report !== undefined) show(terminal, report, kinds, withHash);
  },
};

function jsonOf(report: DiffReport | undefined, kinds: readonly Kind[], withHash: boolean): unknown {
  if (report === undefined) return {};
  const order: Kind[] = ['added', 'deleted', 'modified', 'renamed', 'not in cache'];
  const lists = order
    .filter((kind) => kinds.includes(kind))
    .map((kind) => [kind, report[kind].map(({ path, hash }) => (withHash ? { path, hash: hash ?? null } : { path }))]);
  return Object.fromEntries(lists);
}

function show(terminal: Terminal, report: DiffReport, kinds: readonly Kind[], withHash: boolean): void {
  const counts: [Kind, number][] = [];
  for (const kind of kinds) {
    const entries = report[kind];
    counts.push([kind, entries.filter((entry) => !shownPath(entry).endsWith('/')).length]);
    if (entries.length === 0) continue;
    say(terminal, `${kind[0]?.toUpperCase()}${kind.slice(1)}:`);
    for (const entry of entries) {
      const hash = withHash ? shortHash(entry) : '';
      say(terminal, `    ${hash}${hash === '' ? '' : '  '}${shownPath(entry)}`);
    }
    say(terminal, '');
  }
  const some = counts.filter(([, count]) => count > 0);
  if (some.length > 0) say(terminal, `files summary: ${some.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
}

function showMarkdown(
  terminal: Terminal,
  report: DiffReport | undefined,
  kinds: readonly Kind[],
  withHash: boolean,
): void {
  const rows = kinds.flatMap((kind) =>
    (report?.[kind] ?? []).map((entry) =>
      withHash ? [kind, shortHash(entry), shownPath(entry)] : [kind, shownPath(entry)],
    ),
  );
  for (const line of dvcTable(withHash ? ['Status', 'Hash', 'Path'] : ['Status', 'Path'], rows, { markdown: true }))
    terminal.print(line);
}

function shownPath({ path }: DiffEntry): string {
  return typeof path === 'string' ? path : `${path.old} -> ${path.new}`;
}

function shortHash({ hash }: DiffEntry): string {
  if (hash === undefined) return '';
  return typeof hash === 'string' ? hash.slice(0, 8) : `${hash.old.slice(0, 8)}..${hash.new.slice(0, 8)}`;
}
