import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { runExperiments } from '../../app/recording/experiment-run.ts';
import { freshName } from '../../repo/experiments/experiment-names.ts';
import { listExperimentRefs } from '../../repo/open/experiment-refs.ts';
import {
  applyExperiment,
  branchExperiment,
  removeExperiments,
  renameExperiment,
  saveExperiment,
} from '../../repo/experiments/experiment-save.ts';
import type { Command, FlagSpec } from '../parse/command.ts';
import { say, withRepo } from '../session/data-session.ts';
import { reproFlags, reproOptions, ReproView } from './repro.ts';

const include: FlagSpec = {
  name: 'include',
  short: 'C',
  aliases: ['include-untracked', 'copy-paths'],
  value: 'PATH',
  repeat: 'each',
  summary: 'a file that Git does not track, to be saved too',
  completes: 'path',
};

const run: Command = {
  name: 'exp run',
  owner: 'dvc',
  stream: true,
  summary: 'Run the pipeline with other params and save the result as an experiment',
  description:
    'Works in the workspace: params are changed, stages run, and the result is saved as a commit on top of HEAD that no branch knows. Several values of one param make a grid.',
  examples: [
    ['mlops exp run -S lr=0.01', 'with one param changed'],
    ['mlops exp run -S lr=0.1,0.01 -S model.depth=2,4', 'four experiments, one for each combination'],
    ['mlops exp run -n baseline -S conf.yaml:seed=7', 'named, with a param of another file'],
  ],
  args: [{ name: 'targets', summary: 'stages', optional: true, variadic: true, completes: 'stage' }],
  flags: [
    ...reproFlags,
    { name: 'name', short: 'n', value: 'NAME', summary: 'name of the experiment' },
    {
      name: 'set-param',
      short: 'S',
      value: '[FILE:]KEY=VALUE',
      completes: 'param',
      repeat: 'each',
      summary: 'change a param; +KEY adds, ~KEY removes, commas make a grid',
    },
    { name: 'message', short: 'm', value: 'TEXT', summary: 'message of the commit' },
    include,
    { name: 'no-record', summary: 'record no run' },
  ],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const view = new ReproView(terminal, false, false);
      const names = await runExperiments(repo, {
        ...reproOptions(input),
        name: input.text('name'),
        set: input.list('set-param'),
        message: input.text('message'),
        include: input.list('include').map((file) => path.resolve(terminal.cwd, file)),
        record: input.on('no-record') ? false : undefined,
        env: terminal.env,
        ...(input.on('interactive') ? { confirm: (question) => terminal.confirm(question, { must: true }) } : {}),
        output: terminal.stdoutIsTty && terminal.stderrIsTty && !input.on('json') ? 'inherit' : 'pipe',
        signal: terminal.signal,
        onEvent: (event) => view.show(event),
        onWarning: (message) => terminal.warn(message),
        onExperiment: (name) => say(terminal, `Reproducing experiment '${name}'`),
      });
      if (input.on('dry')) return;
      say(terminal, `\nRan experiment(s): ${names.join(', ')}`);
      say(terminal, 'Experiment results have been applied to your workspace.');
      terminal.next('compare: mlops exp show', `keep one: mlops exp branch ${names[0] ?? 'NAME'} BRANCH`);
    }),
};

const save: Command = {
  name: 'exp save',
  owner: 'dvc',
  summary: 'Save the workspace as an experiment',
  examples: [['mlops exp save -n idea', 'what is in the workspace now, under a name']],
  flags: [
    { name: 'name', short: 'n', value: 'NAME', summary: 'name of the experiment' },
    { name: 'force', short: 'f', summary: 'replace an experiment of that name' },
    { name: 'message', short: 'm', value: 'TEXT', summary: 'message of the commit' },
    { ...include, short: 'I' },
  ],
  failure: 1,
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const taken = new Set(listExperimentRefs(repo.root).map((ref) => ref.name));
      const saved = saveExperiment(repo, {
        name: input.text('name') ?? freshName(taken),
        force: input.on('force'),
        message: input.text('message'),
        include: input.list('include').map((file) => path.resolve(terminal.cwd, file)),
      });
      say(terminal, `Experiment has been saved as: ${saved.name}`);
    }),
};

const nameArg = { name: 'experiment', summary: 'name or commit of an experiment', completes: 'experiment' } as const;

const apply: Command = {
  name: 'exp apply',
  owner: 'dvc',
  summary: 'Bring an experiment into the workspace',
  description: 'The state before is kept under the ref refs/exps/apply/stash.',
  examples: [['mlops exp apply mellow-fjord', 'its files and its data']],
  args: [nameArg],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const [name = ''] = input.args;
      await applyExperiment(repo, name, terminal.signal);
      say(terminal, `Changes for experiment '${name}' have been applied to your current workspace.`);
    }),
};

const branch: Command = {
  name: 'exp branch',
  owner: 'dvc',
  summary: 'Make a Git branch of an experiment',
  examples: [['mlops exp branch mellow-fjord better-lr', 'a branch to push and to merge']],
  args: [nameArg, { name: 'branch', summary: 'name of the branch; NAME-branch by default', optional: true }],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const [name = '', given] = input.args;
      const wanted = given ?? `${name}-branch`;
      branchExperiment(repo, name, wanted);
      say(terminal, `Git branch '${wanted}' has been created from experiment '${name}'.`);
      say(terminal, `To switch to the new branch run:\n\n\tgit checkout ${wanted}`);
    }),
};

const remove: Command = {
  name: 'exp remove',
  aliases: ['exp rm'],
  owner: 'dvc',
  summary: 'Remove experiments',
  examples: [
    ['mlops exp remove mellow-fjord', 'by name'],
    ['mlops exp remove -A', 'all of them'],
  ],
  args: [{ ...nameArg, optional: true, variadic: true }],
  flags: [
    { name: 'all-commits', short: 'A', summary: 'all experiments' },
    {
      name: 'rev',
      value: 'COMMIT',
      repeat: 'each',
      summary: 'those that started from this commit',
      completes: 'revision',
    },
    { name: 'keep', summary: 'keep the named ones, remove the others' },
    { name: 'dry-run', ours: true, summary: 'only say what would be removed' },
  ],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const keep = input.on('keep');
      if (input.args.length === 0 && !input.on('all-commits') && input.list('rev').length === 0) {
        throw new MlopsError('usage', 'Either name an experiment, or give `--rev` or `--all-commits`.', { exit: 255 });
      }
      const names = removeExperiments(repo, {
        names: keep ? [] : input.args,
        keep: keep ? input.args : [],
        all: input.on('all-commits') || keep,
        revisions: input.list('rev'),
        dry: input.on('dry-run'),
      });
      if (input.on('dry-run')) {
        for (const name of names) terminal.print(`would remove ${name}`);
        return;
      }
      if (names.length === 0) say(terminal, 'No experiments to remove.');
      else say(terminal, `Removed experiments: ${joined(names)}`);
    }),
};

const rename: Command = {
  name: 'exp rename',
  aliases: ['exp mv'],
  owner: 'dvc',
  summary: 'Rename an experiment',
  examples: [['mlops exp rename mellow-fjord deep-net', 'the old name is gone']],
  args: [nameArg, { name: 'name', summary: 'new name' }],
  flags: [{ name: 'force', short: 'f', summary: 'replace an experiment of that name' }],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const [name = '', newName = ''] = input.args;
      renameExperiment(repo, name, newName, input.on('force'));
      say(terminal, `Renamed experiments: ${joined([name])}`);
    }),
};

function joined(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}

/** The sub-commands of `exp` that change something. */
export const writingCommands: readonly Command[] = [run, save, apply, branch, remove, rename];
