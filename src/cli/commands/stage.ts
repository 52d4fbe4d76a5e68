import { MlopsError } from '../../base/index.ts';
import { listStages } from '../../repo/pipeline/list-stages.ts';
import { reproText } from '../../repo/pipeline/repro-events.ts';
import { repro } from '../../repo/pipeline/repro.ts';
import { addStage } from '../../repo/pipeline/stage-add.ts';
import type { Command, FlagSpec, Verb } from '../parse/command.ts';
import { readRepo, say, sayGitAdd, withRepo } from '../session/data-session.ts';

const list: Command = {
  name: 'stage list',
  owner: 'dvc',
  summary: 'List stages',
  examples: [
    ['mlops stage list', 'stages of the dvc.yaml here'],
    ['mlops stage list --all', 'all stages of the project'],
    ['mlops stage list --name-only', 'for scripts'],
  ],
  args: [
    {
      name: 'targets',
      summary: 'dvc.yaml or .dvc files, stages, or folders with -R; dvc.yaml by default',
      optional: true,
      variadic: true,
      completes: 'target',
    },
  ],
  flags: [
    { name: 'all', summary: 'all stages of the project' },
    { name: 'fail', summary: 'fail at files that cannot be read instead of leaving them out' },
    { name: 'recursive', short: 'R', summary: 'everything below the folders among the targets' },
    { name: 'name-only', aliases: ['names-only'], summary: 'no descriptions' },
    { name: 'json', ours: true, summary: 'as JSON' },
  ],
  run(input, terminal) {
    return readRepo(terminal, async (repo) => {
      const lines = listStages(repo, {
        targets: input.args,
        all: input.on('all'),
        fail: input.on('fail'),
        recursive: input.on('recursive'),
        onError: (file, error) => terminal.log.debug(`stages from ${file} failed to load: ${error.message}`),
      });
      if (input.on('json')) return terminal.json(lines.map(({ name, description }) => ({ name, description })));
      const width = Math.max(0, ...lines.map(({ name }) => Array.from(name).length));
      for (const { name, description } of lines) {
        const padding = ' '.repeat(width - Array.from(name).length + 2);
        say(terminal, input.on('name-only') ? name : `${name}${padding}${description}`.trimEnd());
      }
    });
  },
};

const each = (name: string, summary: string, short?: string): FlagSpec => ({
  name,
  ...(short === undefined ? {} : { short }),
  value: 'PATH',
  repeat: 'each',
  summary,
  completes: 'path',
});

const add: Command = {
  name: 'stage add',
  owner: 'dvc',
  summary: 'Write a stage into dvc.yaml',
  examples: [
    [
      'mlops stage add -n train -d train.py -d data -p lr,epochs -o model.onnx python train.py',
      'a stage of a pipeline',
    ],
    ['mlops stage add -n eval -d model.onnx -M metrics.json --plots roc.csv python eval.py', 'one that reports'],
  ],
  args: [
    { name: 'command', summary: 'what to run; everything from here on belongs to it', variadic: true, optional: true },
  ],
  rawTail: true,
  flags: [
    { name: 'name', short: 'n', value: 'NAME', summary: 'name of the stage' },
    { name: 'force', short: 'f', summary: 'replace a stage of that name' },
    each('deps', 'a file or folder it reads', 'd'),
    {
      ...each('params', 'params it reads: KEYS of params.yaml, FILE:KEYS, or FILE: as a whole', 'p'),
      value: '[FILE:]KEYS',
    },
    each('outs', 'a file or folder it makes', 'o'),
    each('outs-no-cache', 'one that is not put into the cache', 'O'),
    each('outs-persist', 'one that is kept while it runs'),
    each('outs-persist-no-cache', 'one that is kept and not put into the cache'),
    each('metrics', 'a metrics file it makes', 'm'),
    each('metrics-no-cache', 'one that is not put into the cache', 'M'),
    each('plots', 'a file or folder of plots it makes'),
    each('plots-no-cache', 'one that is not put into the cache'),
    {
      name: 'wdir',
      short: 'w',
      value: 'PATH',
      summary: 'folder that it runs in and its paths are relative to',
      completes: 'path',
    },
    { name: 'always-changed', summary: 'run it every time' },
    { name: 'desc', value: 'TEXT', summary: 'description' },
    { name: 'run', summary: 'run it right away' },
  ],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      if (input.text('name') === undefined)
        throw new MlopsError('usage', 'the following arguments are required: -n/--name');
      const report = addStage(repo, {
        name: input.text('name') ?? '',
        command: commandText(input.args),
        force: input.on('force'),
        deps: input.list('deps'),
        params: input.list('params'),
        outs: input.list('outs'),
        outsNoCache: input.list('outs-no-cache'),
        outsPersist: input.list('outs-persist'),
        outsPersistNoCache: input.list('outs-persist-no-cache'),
        metrics: input.list('metrics'),
        metricsNoCache: input.list('metrics-no-cache'),
        plots: input.list('plots'),
        plotsNoCache: input.list('plots-no-cache'),
        wdir: input.text('wdir'),
        alwaysChanged: input.on('always-changed'),
        desc: input.text('desc'),
      });
      for (const warning of report.warnings) terminal.note(warning);
      say(terminal, `Added stage '${report.address}' in '${report.file}'`);
      let gitFiles = report.gitFiles;
      if (input.on('run')) {
        const result = await repro(repo, {
          targets: [report.address],
          single: true,
          force: true,
          signal: terminal.signal,
          onEvent(event) {
            if (event.kind === 'output') terminal.write(event.chunk);
            else if (event.kind === 'warning') terminal.warn(event.message);
            const text = reproText(event);
            if (text !== undefined) say(terminal, text);
          },
        });
        gitFiles = [...new Set([...gitFiles, ...result.gitFiles])];
      }
      sayGitAdd(terminal, gitFiles);
    }),
};

/** Words as DVC joins them: one word is a whole command line, several are quoted where they hold spaces. */
function commandText(words: readonly string[]): string {
  if (words.length < 2) return words.join(' ');
  const quote = (word: string): string => {
    if (word === '') return '""';
    return word.includes(' ') && !word.includes('"') ? `"${word}"` : word;
  };
  return words.map(quote).join(' ');
}

export const verb: Verb = { name: 'stage', summary: 'List and make stages', commands: [add, list] };
