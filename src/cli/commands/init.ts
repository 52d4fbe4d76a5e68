import { createProject, type NewProject } from '../../app/usecases/new-project.ts';
import { initProject, type InitOptions } from '../../repo/setup/init.ts';
import { listTemplates } from '../../scaffold/index.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { say } from '../session/data-session.ts';

export const verb: Command = {
  name: 'init',
  owner: 'dvc',
  summary: 'Make a folder a project',
  description:
    'Without more, exactly what `dvc init` does: it writes .dvc and .dvcignore and stages them. With a folder, a ' +
    'template or branches it also makes the folder, the Git repository, a .gitignore and the first commit.',
  examples: [
    ['mlops init', 'make this Git repository a project'],
    ['mlops init digits --template digits', 'a new folder with a pipeline that trains a model'],
    ['mlops init my-project --branches main,dev', 'a new folder and repository with two branches'],
    ['mlops init --list', 'the templates there are'],
  ],
  args: [{ name: 'directory', summary: 'the folder; made if it is not there', optional: true, completes: 'path' }],
  flags: [
    { name: 'no-scm', summary: 'work without Git' },
    { name: 'force', short: 'f', summary: 'replace an existing project, its local cache included' },
    { name: 'subdir', summary: 'the folder is below the top of its Git repository' },
    { name: 'template', short: 't', value: 'NAME', summary: 'copy a template', completes: 'template' },
    { name: 'branches', value: 'NAMES', summary: 'Git branches to make, with commas between them' },
    { name: 'list', summary: 'list the templates' },
    { name: 'json', summary: 'with --list: as JSON' },
  ],
  failure: 1,
  async run(input, terminal) {
    if (input.on('list')) return printTemplates(input, terminal);
    const options: InitOptions = { noScm: input.on('no-scm'), force: input.on('force'), subdir: input.on('subdir') };
    const [directory] = input.args;
    if (directory === undefined && !input.given('template') && !input.given('branches')) {
      initProject(terminal.cwd, options);
      sayInitialized(terminal, options);
      return;
    }
    const branches = (input.text('branches') ?? '').split(',').filter((name) => name.trim() !== '');
    const made = await createProject(directory ?? terminal.cwd, {
      ...options,
      template: input.text('template'),
      branches: branches.map((name) => name.trim()),
    });
    tellMade(terminal, made, directory, input.text('template'));
  },
};

function printTemplates(input: Input, terminal: Terminal): void {
  const templates = listTemplates();
  if (input.on('json')) return terminal.json(templates);
  const width = Math.max(...templates.map(({ name }) => name.length));
  for (const { name, summary } of templates) terminal.print(`${name.padEnd(width)}  ${summary}`);
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
  template: string | undefined,
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
  const enter = directory === undefined ? [] : [`cd ${directory}`];
  terminal.next('next:', ...[...enter, ...made.next].map((line) => `  ${line}`));
}
