import { logLabels, logPredictions, type RecordsInput } from '../../app/monitor/predictions.ts';
import { plural } from '../../base/index.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { logFlag, logOf } from './monitor-input.ts';

export const logCommand: Command = {
  name: 'monitor log',
  owner: 'mlops',
  summary: 'Take predictions that were made elsewhere into the log',
  description:
    'A record a line: {"id"?, "at"?, "model", "version"?, "inputs"?, "prediction"?, "scores"?, "latency_ms"?, "error"?}. In CSV the columns are id, at, model, version, prediction, latency_ms, error, inputs.NAME and scores.LABEL. A file with a broken line is not taken at all; an id that comes twice counts once.',
  examples: [
    ['mlops monitor log predictions.jsonl', 'a file'],
    ['my-model | mlops monitor log - --model skin', 'what a program writes'],
  ],
  args: [
    { name: 'file', summary: 'JSON lines, CSV or Parquet; stdin unless given', optional: true, completes: 'path' },
  ],
  flags: [{ name: 'model', value: 'NAME', summary: 'of records that name none', completes: 'model' }, logFlag],
  async run(input, terminal) {
    const count = await logPredictions(logOf(input, terminal), sourceOf(input, terminal), input.text('model'));
    terminal.note(`logged ${plural(count, 'prediction')}`);
  },
};

export const labelCommand: Command = {
  name: 'monitor label',
  owner: 'mlops',
  summary: 'Say what turned out to be true for predictions',
  description:
    'A label a line: {"id", "label", "at"?}, or a CSV with these columns. The last label of an id counts; one whose prediction is not there yet is kept for it.',
  examples: [['mlops monitor label labels.csv', 'labels by id, in bulk']],
  args: [
    { name: 'file', summary: 'JSON lines, CSV or Parquet; stdin unless given', optional: true, completes: 'path' },
  ],
  flags: [logFlag],
  async run(input, terminal) {
    const count = await logLabels(logOf(input, terminal), sourceOf(input, terminal));
    terminal.note(`took ${plural(count, 'label')}`);
  },
};

function sourceOf(input: Input, terminal: Terminal): RecordsInput {
  const file = input.args[0];
  return { file: file === '-' ? undefined : file, stdin: process.stdin, cwd: terminal.cwd };
}
