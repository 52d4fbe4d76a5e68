import * as fs from 'node:fs';
import * as path from 'node:path';

import { runNamed } from '../../app/places/find-runs.ts';
import { filesBelow, MlopsError } from '../../base/index.ts';
import type { Run } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { ArgSpec, Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { withStore } from '../session/with-store.ts';
import { pair } from './models-input.ts';

const runFlag: FlagSpec = {
  name: 'run',
  value: 'RUN',
  summary: 'the run; default: the one that this command runs in',
  env: 'MLOPS_RUN_ID',
  completes: 'run',
};
const pairs: ArgSpec = { name: 'pair', summary: 'KEY=VALUE', variadic: true };

async function inRun(
  input: Input,
  terminal: Terminal,
  work: (store: TrackingStore, run: Run) => Promise<void>,
): Promise<void> {
  const word = input.text('run');
  if (word === undefined || word === '') {
    throw new MlopsError('usage', 'no run to log into', {
      hint: 'start the script with `mlops run -- ...` or `mlops repro`, or add --run RUN',
    });
  }
  await withStore(terminal, async (store) => work(store, await runNamed(store, word)), { create: false });
}

const param: Command = {
  name: 'log param',
  owner: 'mlops',
  summary: 'Log params of the run that a script is in',
  examples: [['mlops log param lr=0.1 epochs=20', 'two params']],
  args: [pairs],
  flags: [runFlag],
  run: (input, terminal) =>
    inRun(input, terminal, (store, { info }) =>
      store.logBatch(info.id, { params: input.args.map((text) => pair(text, 'param')) }),
    ),
};

const metric: Command = {
  name: 'log metric',
  owner: 'mlops',
  summary: 'Log metrics of the run that a script is in',
  examples: [
    ['mlops log metric accuracy=0.95', 'one value'],
    ['mlops log metric loss=0.31 --step 4', 'a point of a curve'],
  ],
  args: [pairs],
  flags: [{ name: 'step', value: 'N', integer: true, default: '0', summary: 'the step of the curve' }, runFlag],
  run: (input, terminal) =>
    inRun(input, terminal, (store, { info }) => {
      const timestamp = Date.now();
      const step = input.number('step') ?? 0;
      const metrics = input.args.map((text) => ({ ...numberPair(text), timestamp, step }));
      return store.logBatch(info.id, { metrics });
    }),
};

function numberPair(text: string): { key: string; value: number } {
  const { key, value } = pair(text, 'metric');
  const number = /^nan$/i.test(value) ? NaN : Number(value);
  if (value.trim() === '' || (Number.isNaN(number) && !/^nan$/i.test(value))) {
    throw new MlopsError('usage', `metric '${text}' is no number`, { hint: 'write accuracy=0.95' });
  }
  return { key, value: number };
}

const tag: Command = {
  name: 'log tag',
  owner: 'mlops',
  summary: 'Set tags of the run that a script is in',
  examples: [['mlops log tag dataset=v3', 'one tag']],
  args: [pairs],
  flags: [runFlag],
  run: (input, terminal) =>
    inRun(input, terminal, (store, { info }) =>
      store.logBatch(info.id, { tags: input.args.map((text) => pair(text, 'tag')) }),
    ),
};

const artifact: Command = {
  name: 'log artifact',
  owner: 'mlops',
  summary: 'Keep a file or folder with the run that a script is in',
  examples: [
    ['mlops log artifact report.html', "under the file's name"],
    ['mlops log artifact plots --path figures', 'a folder, under another name'],
  ],
  args: [{ name: 'file', summary: 'the file or folder', completes: 'path' }],
  flags: [{ name: 'path', value: 'NAME', summary: 'its name in the run' }, runFlag],
  run: (input, terminal) =>
    inRun(input, terminal, async (store, { info }) => {
      const file = path.resolve(terminal.cwd, input.args[0] ?? '');
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) throw new MlopsError('bad_path', `there is no '${input.args[0]}'`);
      const files = store.artifacts(info.artifactUri);
      const name = input.text('path') ?? path.basename(file);
      for (const inside of stat.isDirectory() ? filesBelow(file) : ['']) {
        const target = inside === '' ? name : `${name}/${inside}`;
        await files.put(target, fs.createReadStream(path.join(file, inside)));
      }
    }),
};

export const verb: Verb = {
  name: 'log',
  summary: 'Log from a shell script into the run that it is in',
  commands: [param, metric, tag, artifact],
};
