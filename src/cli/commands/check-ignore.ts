import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { findProject, toTreePath, type IgnoreVerdict } from '../../project/index.ts';
import type { Command, Input } from '../parse/command.ts';
import { say } from '../session/data-session.ts';

export const verb: Command = {
  name: 'check-ignore',
  owner: 'dvc',
  summary: 'Tell which paths .dvcignore leaves out',
  examples: [['mlops check-ignore -d data/*.tmp', 'with the file and line of the rule']],
  args: [{ name: 'targets', summary: 'paths', optional: true, variadic: true, completes: 'path' }],
  flags: [
    { name: 'details', short: 'd', summary: 'show the rule of each path' },
    { name: 'all', short: 'a', summary: 'with --details: all rules', hidden: true },
    { name: 'non-matching', short: 'n', summary: 'with --details: list paths without a rule too' },
    { name: 'json', ours: true, summary: 'as JSON' },
    { name: 'stdin', summary: 'read paths from standard input, one a line' },
  ],
  exits: { 1: 'no rule for any of the paths' },
  run(input, terminal) {
    const wrong = misuse(input, terminal.quiet);
    if (wrong !== undefined) throw new MlopsError('usage', wrong, { exit: 255 });
    const project = findProject(terminal.cwd);
    const json: object[] = [];
    let matched = false;
    for (const target of input.on('stdin') ? linesOfStdin() : input.args) {
      const file = toTreePath(project, terminal.cwd, target);
      const stat = fs.statSync(path.resolve(terminal.cwd, target), { throwIfNoEntry: false });
      const none: IgnoreVerdict = { ignored: false, rules: [] };
      const verdict =
        file === undefined || file === '' ? none : project.ignore.check(file, stat?.isDirectory() === true);
      if (input.on('json')) json.push({ path: target, ignored: verdict.ignored, rules: verdict.rules });
      else for (const line of linesFor(target, verdict, input)) say(terminal, line);
      matched ||= verdict.rules.length > 0 && (verdict.ignored || input.on('details'));
    }
    if (input.on('json')) terminal.json(json);
    return matched ? 0 : 1;
  },
};

function misuse(input: Input, quiet: boolean): string | undefined {
  if (!input.on('stdin') && input.args.length === 0) return '`targets` or `--stdin` needed';
  if (input.on('stdin') && input.args.length > 0) return 'cannot have both `targets` and `--stdin`';
  if (input.on('non-matching') && !input.on('details')) return '`--non-matching` is only valid with `--details`';
  if (input.on('all') && !input.on('details')) return '`--all` is only valid with `--details`';
  return quiet && input.on('details') ? 'cannot use both `--details` and `--quiet`' : undefined;
}

function linesFor(target: string, verdict: IgnoreVerdict, input: Input): string[] {
  if (!input.on('details')) return verdict.ignored ? [target] : [];
  const rules = verdict.rules.length === 0 && input.on('non-matching') ? ['::'] : verdict.rules;
  return (input.on('all') ? rules : rules.slice(-1)).map((rule) => `${rule}\t${target}`);
}

/** Up to the first empty line, as DVC reads them. */
function linesOfStdin(): string[] {
  const lines = fs.readFileSync(0, 'utf8').split('\n');
  const end = lines.indexOf('');
  return end < 0 ? lines : lines.slice(0, end);
}
