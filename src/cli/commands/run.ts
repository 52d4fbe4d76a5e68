import { constants } from 'node:os';

import { runCommand } from '../../app/recording/run-command.ts';
import { afterGrace, openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { formatDuration, MlopsError } from '../../base/index.ts';
import type { Command, Verb } from '../parse/command.ts';
import { pair, userName } from './models-input.ts';

export const verb: Verb & Command = {
  name: 'run',
  owner: 'mlops',
  summary: 'Run any command as a recorded run',
  description:
    "Records the command, its output, exit code, time, git state and the machine's load. Scripts that use MLflow log into the same store, as child runs; shell scripts log with `mlops log`. The exit status is the command's own.",
  examples: [
    ['mlops run python train.py --lr 0.1', 'in the experiment of this project'],
    ['mlops run --experiment ablation --name no-dropout -- make train', 'named'],
  ],
  passthrough: true,
  rawTail: true,
  args: [{ name: 'command', summary: 'the command with its arguments', optional: true, variadic: true }],
  flags: [
    { name: 'experiment', value: 'NAME', summary: 'record into this experiment', completes: 'experiment' },
    { name: 'name', value: 'NAME', summary: 'the name of the run' },
    { name: 'tag', value: 'KEY=VALUE', repeat: 'each', summary: 'a tag of the run' },
    { name: 'system-metrics', negatable: true, summary: "record the machine's load (default)" },
  ],
  exits: { 1: "or the command's own exit status; 128 and the signal's number when a signal ended it" },
  async run(input, terminal) {
    // A `--` after the command's first word is the command's.
    const tail = input.args.length > 0 && input.rest.length > 0 ? ['--', ...input.rest] : input.rest;
    const [program, ...args] = [...input.args, ...tail];
    if (program === undefined) {
      throw new MlopsError('usage', 'what shall run?', { hint: 'mlops run COMMAND ARGUMENT...' });
    }
    const place = trackingPlace(terminal.cwd, terminal.env);
    const store = await openPlace(place, { signal: afterGrace(terminal.signal) });
    try {
      const { run, result } = await runCommand(store, {
        argv: [program, ...args],
        cwd: terminal.cwd,
        root: place.root,
        env: terminal.env,
        experiment: input.text('experiment'),
        name: input.text('name'),
        tags: input.list('tag').map((text) => pair(text, '--tag')),
        user: userName(terminal),
        remote: place.given,
        systemMetrics: input.choice('system-metrics') ?? true,
        signal: terminal.signal,
        onOutput: (chunk, stream) => (stream === 'stdout' ? terminal.write(chunk) : terminal.writeError(chunk)),
        onStart: ({ info }) => terminal.note(`run ${info.id.slice(0, 8)} (${info.name})`),
        onWarning: (message) => terminal.warn(message),
      });
      const took = formatDuration(result.endedAt - result.startedAt);
      const id = run.info.id.slice(0, 8);
      terminal.note(
        `run ${id}: ${result.code === 0 ? 'finished' : `ended with ${result.code ?? result.signal}`} after ${took}`,
      );
      terminal.next(`mlops runs show ${id}`);
      return result.code ?? 128 + (result.signal === null ? 0 : constants.signals[result.signal]);
    } finally {
      await store.close();
    }
  },
};
