import * as readline from 'node:readline';

import { Driver } from '../../tune/index.ts';
import type { Command, Verb } from '../parse/command.ts';
import { exportCommand, importCommand } from './tune-exchange.ts';
import { apply, remove, stop } from './tune-manage.ts';
import { importanceCommand, plotCommand } from './tune-plot.ts';
import { bareTune, resume, run } from './tune-run.ts';
import { best, list, show, status, trials } from './tune-show.ts';

const drive: Command = {
  name: 'tune drive',
  owner: 'mlops',
  summary: 'Answer requests for trials, for a loop of your own in any language',
  description:
    'Reads requests from standard input, a JSON line each, and answers each with a JSON line: the study, then `ask` for ' +
    'params and `tell` what they gave. A wrong request answers {"error": ...}, and the study goes on. ' +
    'docs/tuning.md describes all requests.',
  examples: [['mlops tune drive < requests.jsonl', 'answer all requests of a file']],
  async run(_input, terminal) {
    const driver = new Driver();
    const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity, signal: terminal.signal });
    for await (const line of lines) {
      if (line.trim() !== '') terminal.print(driver.answer(line));
    }
    if (terminal.signal.aborted) return 130;
    return 0;
  },
};

const commands: readonly Command[] = [
  run,
  resume,
  status,
  best,
  list,
  show,
  trials,
  importanceCommand,
  plotCommand,
  stop,
  apply,
  remove,
  exportCommand,
  importCommand,
  drive,
];

export const verb: Verb = {
  name: 'tune',
  summary: 'Search hyper-parameters',
  commands: [bareTune(commands), ...commands],
};
