import * as path from 'node:path';

import { exportStudy, importStudy, type ExportFormat } from '../../app/tuning/exchange-studies.ts';
import { plural } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { studyArg } from './tune-input.ts';
import { jsonFlag, withStudies } from './tune-show.ts';

export const exportCommand: Command = {
  name: 'tune export',
  owner: 'mlops',
  summary: 'Write a study to a file, as JSON or as Optuna opens it',
  examples: [
    ['mlops tune export cnn-lr -o study.db', 'SQLite: optuna.load_study(storage="sqlite:///study.db")'],
    ['mlops tune export cnn-lr -o study.log', "a journal of Optuna's"],
    ['mlops tune export cnn-lr -o study.json', 'everything that is known'],
  ],
  args: [studyArg],
  flags: [
    { name: 'out', short: 'o', value: 'FILE', summary: 'the file: .db, .log or .json', completes: 'path' },
    {
      name: 'format',
      value: 'FORMAT',
      choices: ['sqlite', 'journal', 'json'],
      summary: 'where the name does not say it',
    },
    { name: 'skip-damaged', summary: 'leave trials out that cannot be read' },
    jsonFlag,
  ],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const out = input.text('out') ?? 'study.json';
      const format = (input.text('format') as ExportFormat | undefined) ?? formatOf(out);
      const skip = input.on('skip-damaged') ? (problem: Error) => terminal.warn(problem.message) : undefined;
      const done = await exportStudy(studies, input.args[0], path.resolve(terminal.cwd, out), format, skip);
      if (input.on('json')) terminal.json({ ...done, file: out, format });
      else terminal.print(`wrote ${done.study} with ${plural(done.trials, 'trial')} to ${out}`);
    }),
};

function formatOf(file: string): ExportFormat {
  if (/\.(db|sqlite3?)$/i.test(file)) return 'sqlite';
  return /\.(log|journal|jsonl)$/i.test(file) ? 'journal' : 'json';
}

export const importCommand: Command = {
  name: 'tune import',
  owner: 'mlops',
  summary: 'Take over a study of Optuna: an SQLite file or a journal',
  examples: [
    ['mlops tune import optuna.db', 'the only study in it'],
    ['mlops tune import optuna.log --study demo --name old-demo', 'one of several, under another name'],
  ],
  args: [{ name: 'file', summary: 'the file', completes: 'path' }],
  flags: [
    { name: 'study', value: 'NAME', summary: 'the study in the file' },
    { name: 'name', value: 'NAME', summary: 'what it is called here' },
    jsonFlag,
  ],
  run: (input, terminal) =>
    withStore(terminal, async (store) => {
      const file = path.resolve(terminal.cwd, input.args[0] ?? '');
      const options = { wanted: input.text('study'), name: input.text('name') };
      const done = await importStudy(store.studies, file, options);
      if (input.on('json')) terminal.json(done);
      else terminal.print(`took over ${done.study} with ${plural(done.trials, 'trial')}`);
      terminal.next(`go on with it: mlops tune run --study ${done.study} -S ... --metric ...`);
    }),
};
