import { createProject, type NewProject } from '../../app/usecases/new-project.ts';
import { updateProject } from '../../app/usecases/update-project.ts';
import { MlopsError, plural } from '../../base/index.ts';
import { initProject, type InitOptions } from '../../repo/setup/init.ts';
import { listTemplates } from '../../scaffold/index.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { say } from '../session/data-session.ts';
import { askForProject, type ProjectAnswers } from './init-questions.ts';

export const verb: Command = {
  name: 'init',
  owner: 'dvc',
  summary: 'Make a folder a project',
  description:
    'Without more, exactly what `dvc init` does: it writes .dvc and .dvcignore and stages them. With a folder, a ' +
    'template or branches it also makes the folder, the Git repository, a .gitignore and the first commit. On a ' +
    'terminal it asks what no flag says; --yes takes the usual answers. A template is a name of --list, a folder with ' +
    'a template.json, or a Git address; nothing of it is run.',
  examples: [
    ['mlops init', 'make this Git repository a project'],
    ['mlops init diabetes --template tabular', 'a new folder: pipeline, model, API, CI, containers'],
    ['mlops init diabetes --template tabular --lang python --yes', 'with scikit-learn; nothing is asked'],
    ['mlops init . --template tabular --into', 'add what is not there yet to a repository'],
    ['mlops init --update', 'take over what changed in the template since'],
    ['mlops init my-project --branches main,dev', 'a new folder and repository with two branches'],
    ['mlops init --list', 'the templates there are'],
  ],
  args: [{ name: 'directory', summary: 'the folder; made if it is not there', optional: true, completes: 'path' }],
  flags: [
    { name: 'no-scm', summary: 'work without Git' },
    { name: 'force', short: 'f', summary: 'replace an existing project, its local cache included' },
    { name: 'subdir', summary: 'the folder is below the top of its Git repository' },
    {
      name: 'template',
      short: 't',
      value: 'NAME',
      summary: 'a template, its folder or Git address',
      completes: 'template',
    },
    { name: 'lang', value: 'LANGUAGE', summary: 'language of its code: node or python', ours: true },
    {
      name: 'ci',
      value: 'HOST',
      choices: ['both', 'github', 'gitlab', 'none'],
      summary: 'workflows to write',
      ours: true,
    },
    { name: 'containers', negatable: true, summary: 'write Dockerfile, compose.yaml and deploy/', ours: true },
    { name: 'remote', value: 'URL', summary: 'where data and models are pushed to', ours: true },
    { name: 'set', value: 'NAME=VALUE', repeat: 'each', summary: "a variable of the template's own", ours: true },
    { name: 'branches', value: 'NAMES', summary: 'Git branches to make, with commas between them' },
    { name: 'into', summary: 'keep files and a project that are there already', ours: true },
    { name: 'update', summary: 'bring the files of the template to its newest state, merged with yours', ours: true },
    { name: 'dry-run', summary: 'show the tree of files, write nothing', ours: true },
    { name: 'list', summary: 'list the templates' },
    { name: 'json', summary: 'with --list, --dry-run and --update: as JSON' },
  ],
  exits: { 1: 'it failed, or --update left conflicts' },
  failure: 1,
  async run(input, terminal) {
    if (input.on('list')) return printTemplates(input, terminal);
    if (input.on('update')) return update(input, terminal);
    const options: InitOptions = { noScm: input.on('no-scm'), force: input.on('force'), subdir: input.on('subdir') };
    const [directory] = input.args;
    if (directory === undefined && !input.given('template') && !input.given('branches')) {
      refuseWithoutTemplate(input);
      initProject(terminal.cwd, options);
      sayInitialized(terminal, options);
      return;
    }
    const answers = await askForProject(input, terminal);
    if (answers.template === undefined) refuseWithoutTemplate(input);
    const made = await createProject(directory ?? terminal.cwd, {
      ...options,
      ...answers,
      into: input.on('into'),
      dryRun: input.on('dry-run'),
      cwd: terminal.cwd,
      signal: terminal.signal,
      ...branchesOf(input),
    });
    if (input.on('dry-run')) printTree(made, directory ?? '.', input, terminal);
    else tellMade(terminal, made, directory, answers);
  },
};

function branchesOf(input: Input): { branches?: readonly string[] } {
  const given = input.text('branches');
  if (given === undefined) return {};
  const names = given.split(',').map((name) => name.trim());
  return { branches: names.filter((name) => name !== '') };
}

/** Flags that say how a template is to be filled in say nothing without one. */
function refuseWithoutTemplate(input: Input): void {
  const flag = ['lang', 'ci', 'containers', 'set', 'into', 'dry-run'].find((name) => input.given(name));
  if (flag === undefined) return;
  throw new MlopsError('usage', `--${flag} needs a template`, {
    hint: 'name one with --template; `mlops init --list` shows them',
  });
}

function printTemplates(input: Input, terminal: Terminal): void {
  const templates = listTemplates();
  if (input.on('json')) return terminal.json(templates);
  const width = Math.max(...templates.map(({ name }) => name.length));
  for (const { name, summary } of templates) terminal.print(`${name.padEnd(width)}  ${summary}`);
}

async function update(input: Input, terminal: Terminal): Promise<number> {
  const [directory = terminal.cwd] = input.args;
  const updates = await updateProject(directory, { dryRun: input.on('dry-run'), signal: terminal.signal });
  const conflicts = updates.filter(({ what }) => what === 'conflict').length;
  if (input.on('json')) terminal.json(updates);
  else for (const { file, what } of updates) terminal.print(`${what.padEnd(8)}  ${file}`);
  if (updates.length === 0) terminal.note('Up to date with the template.');
  if (conflicts > 0) {
    terminal.warn(`${plural(conflicts, 'file')} with conflicts: look for <<<<<<< and choose`);
    return 1;
  }
  return 0;
}

/** Folders once, files below them. */
function printTree(made: NewProject, directory: string, input: Input, terminal: Terminal): void {
  if (input.on('json')) return terminal.json({ root: made.root, files: made.files, kept: made.kept });
  terminal.print(`${directory.replace(/\/$/, '')}/`);
  let before: readonly string[] = [];
  for (const file of made.files) {
    const parts = file.split('/');
    const name = parts.pop() ?? '';
    const shared = parts.findIndex((part, index) => part !== before[index]);
    for (const [index, part] of parts.entries()) {
      if (shared >= 0 && index >= shared) terminal.print(`${'  '.repeat(index + 1)}${part}/`);
    }
    const kept = made.kept.includes(file) ? '  (is there, stays)' : '';
    terminal.print(`${'  '.repeat(parts.length + 1)}${name}${kept}`);
    before = parts;
  }
}

function sayInitialized(terminal: Terminal, options: InitOptions): void {
  say(terminal, 'Initialized DVC repository.\n');
  if (options.noScm !== true) say(terminal, 'You can now commit the changes to git.\n');
  say(terminal, "What's next?\n------------");
  say(terminal, '- Check out the documentation: <https://dvc.org/doc>');
  say(terminal, '- Get help and share ideas: <https://dvc.org/chat>');
  say(terminal, '- Star us on GitHub: <https://github.com/treeverse/dvc>');
}

/** The forms of `init` that DVC does not have speak for themselves. */
function tellMade(
  terminal: Terminal,
  made: NewProject,
  directory: string | undefined,
  { template }: ProjectAnswers,
): void {
  const from = template === undefined ? '' : ` from template '${template}' (${made.files.length} files)`;
  say(terminal, `Made project '${directory ?? '.'}'${from}`);
  if (made.commit !== undefined) {
    const branches = made.branches.length === 0 ? '' : ` on ${made.branches.join(', ')}`;
    say(terminal, `Made a Git repository with a first commit, ${made.commit.slice(0, 7)}${branches}`);
  } else if (made.gitCreated && made.identityMissing) {
    say(terminal, 'Made a Git repository; nothing is committed, because Git knows no name and address of yours');
    terminal.next('git config --global user.name "Your Name"', 'git config --global user.email you@example.com');
  }
  if (made.kept.length > 0) {
    say(terminal, `${plural(made.kept.length, 'file')} of yours stayed as they were: ${made.kept.join(', ')}`);
  }
  const enter = directory === undefined ? [] : [`cd ${directory}`];
  terminal.next('next:', ...[...enter, ...made.next].map((line) => `  ${line}`));
}
