/**
 * Real public projects against what real DVC printed for them: all stages, the graph, the resolved commands in
 * the order in which they would run, and the errors. Needs Node alone.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { mlops, temporaryFolder, type Outcome } from '../../../cli.ts';
import { describeWithCorpus } from '../../../tools.ts';

const commands = [
  ['stage', 'list', '--all'],
  ['stage', 'list', '--all', '--fail'],
  ['dag', '--dot'],
  ['repro', '-f', '--dry', '-P'],
] as const;

/** Expected exit status and standard error by command, from `expected.error.txt`; nothing failed without it. */
type ExpectedErrors = ReadonlyMap<string, { readonly status: number; readonly text: string }>;

describeWithCorpus('real projects read as real DVC reads them', (folder) => {
  const projects = fs.readdirSync(folder).filter((name) => fs.existsSync(path.join(folder, name, 'SOURCE.txt')));

  it('sees all of them', () => {
    expect(projects.length).toBeGreaterThanOrEqual(45);
  });

  describe.each(projects)('%s', (name) => {
    const source = projectRoot(path.join(folder, name));
    const expected = (file: string): string | undefined => readIfThere(path.join(source, file));

    it('lists, draws, plans and fails as DVC does', () => {
      const project = copyProject(source);
      const errors = parseErrors(expected('expected.error.txt'));
      for (const args of commands) {
        const key = args.join(' ');
        const outcome = mlops(project, args, { env: { COLUMNS: '80' } });
        const wanted = errors.get(key) ?? { status: 0, text: '' };
        expect({ key, status: outcome.status }).toEqual({ key, status: wanted.status });
        if (wanted.text !== '') expect(lines(complaint(outcome, project))).toEqual(lines(wanted.text));
        const stdout = expected(expectedFile(key));
        if (stdout !== undefined) expect({ key, lines: lines(outcome.stdout) }).toEqual({ key, lines: lines(stdout) });
      }
    });
  });
});

function expectedFile(key: string): string {
  if (key === 'stage list --all') return 'expected.stages.txt';
  if (key === 'dag --dot') return 'expected.dag.dot';
  return key.startsWith('repro') ? 'expected.repro-dry.txt' : 'none';
}

/** Where `.dvc/config` is; the folder itself otherwise. */
function projectRoot(folder: string): string {
  if (fs.existsSync(path.join(folder, 'expected.stages.txt'))) return folder;
  const [below] = fs
    .readdirSync(folder)
    .filter((name) => fs.existsSync(path.join(folder, name, 'expected.stages.txt')));
  return path.join(folder, below ?? '');
}

/** A copy that is a Git repository and a DVC project with a cache of its own. */
function copyProject(source: string): string {
  const project = temporaryFolder('corpus-');
  fs.cpSync(source, project, { recursive: true });
  fs.mkdirSync(path.join(project, '.git', 'objects'), { recursive: true });
  fs.mkdirSync(path.join(project, '.git', 'refs'));
  fs.writeFileSync(path.join(project, '.git', 'HEAD'), 'ref: refs/heads/main\n');
  fs.mkdirSync(path.join(project, '.dvc'), { recursive: true });
  fs.appendFileSync(path.join(project, '.dvc', 'config.local'), '[cache]\n    dir = ../.scratch-cache\n');
  return project;
}

/** Our standard error without what DVC does not have: hints. */
function complaint(outcome: Outcome, project: string): string {
  const own = outcome.stderr.split('\n').filter((line) => !/^(hint|usage|NOTE): /.test(line));
  return own.join('\n').replaceAll(project, '<ROOT>');
}

function lines(text: string): string[] {
  const all = text.split('\n').map((line) => line.trimEnd());
  while (all.at(-1) === '') all.pop();
  while (all[0] === '') all.shift();
  return all;
}

function parseErrors(text: string | undefined): ExpectedErrors {
  const errors = new Map<string, { status: number; text: string }>();
  for (const part of (text ?? '').split(/^## /m).slice(1)) {
    const match = /^(.*) rc=(\d+)\n([\s\S]*)$/.exec(part);
    if (match !== null) errors.set(match[1] ?? '', { status: Number(match[2]), text: match[3] ?? '' });
  }
  return errors;
}

function readIfThere(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}
