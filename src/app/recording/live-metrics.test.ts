import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import type { StageOut } from '../../repo/pipeline/recorder.ts';
import { LiveMetrics } from './live-metrics.ts';

/** A folder with what a stage makes in it, and the points that were given so far as `key@step=value`. */
function watched(
  outs: Readonly<Record<string, boolean>>,
  before: () => void = () => undefined,
  folders: string[] = [],
) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'live-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  const at = (name: string): string => path.join(root, name);
  const write = (name: string, text: string, flag = 'w'): void => {
    fs.mkdirSync(path.dirname(at(name)), { recursive: true });
    fs.writeFileSync(at(name), text, { flag });
  };
  const found: string[] = [];
  const start = (): LiveMetrics =>
    new LiveMetrics({
      outs: Object.entries(outs).map(([name, report]): StageOut => ({ path: at(name), report })),
      folders: folders.map(at),
      onPoints: (points) => {
        for (const { key, step, value } of points) found.push(`${key}@${step}=${value}`);
      },
    });
  before();
  const look = (live: LiveMetrics, final = false): string[] => {
    found.length = 0;
    live.look(final);
    return [...found];
  };
  return { root, at, write, append: (name: string, text: string) => write(name, text, 'a'), start, look };
}

describe('numbers that a stage writes while it runs', () => {
  it('are read line by line from JSON lines, by the step that a line names', () => {
    const { write, append, start, look } = watched({ 'log.jsonl': false });
    const live = start();
    expect(look(live)).toEqual([]);
    write('log.jsonl', '{"step": 1, "loss": 0.5, "val": {"acc": 1}, "note": "x"}\n{"step": 2, "lo');
    expect(look(live)).toEqual(['loss@1=0.5', 'val.acc@1=1']);
    append('log.jsonl', 'ss": NaN}\nno json\n{"loss": 7}');
    expect(look(live)).toEqual(['loss@2=NaN']);
    expect(look(live, true)).toEqual(['loss@3=7']);
    expect(look(live, true)).toEqual([]);
  });

  it('are read row by row from tables with a step', () => {
    const { write, append, start, look } = watched({ 'loss.csv': true, 'confusion.csv': true, 'data.csv': false });
    const live = start();
    write('confusion.csv', 'actual,predicted\n1,2\n');
    write('data.csv', 'step,x\n1,2\n');
    write('loss.csv', 'epoch,loss,acc\n1,0.5,0.1\n2,0.4');
    expect(look(live)).toEqual(['loss@1=0.5', 'acc@1=0.1']);
    append('loss.csv', ',0.2\n');
    expect(look(live)).toEqual(['loss@2=0.4', 'acc@2=0.2']);
  });

  it('go on in a table that is written anew with more rows, and begin anew in one that was cut or replaced', () => {
    const { at, write, append, start, look } = watched({ 'l.csv': true });
    const live = start();
    write('l.csv', 'step,a\n1,1\n2,2\n');
    expect(look(live)).toEqual(['a@1=1', 'a@2=2']);
    write('new', 'step,a\n1,1\n2,2\n3,3\n');
    fs.renameSync(at('new'), at('l.csv'));
    expect(look(live)).toEqual(['a@3=3']);
    fs.truncateSync(at('l.csv'), 0);
    append('l.csv', 'step,a\n1,1\n4,4\n');
    expect(look(live)).toEqual(['a@4=4']);
    fs.renameSync(at('l.csv'), at('l.csv.1'));
    write('l.csv', 'step,b\n1,10\n2,20\n3,30\n4,40\n5,50\n6,60\n');
    expect(look(live)).toEqual(['b@1=10', 'b@2=20', 'b@3=30', 'b@4=40', 'b@5=50', 'b@6=60']);
  });

  it('are given once though a folder of DVCLive says them twice', () => {
    for (const [out, report] of [
      ['dvclive', false],
      ['dvclive/plots', true],
      ['dvclive/metrics.json', true],
    ] as const) {
      const { write, append, start, look } = watched({ [out]: report });
      const live = start();
      write('dvclive/plots/metrics/train/loss.tsv', 'step\tloss\n0\t0.9\n');
      write('dvclive/metrics.json', '{"train": {"loss": 0.9}, "step": 0}');
      expect(look(live), out).toEqual(['train/loss@0=0.9']);
      append('dvclive/plots/metrics/train/loss.tsv', '1\t0.8\n');
      write('dvclive/metrics.json', '{"train": {"loss": 0.8}, "best": 0.8, "step": 1}');
      expect(look(live, true), out).toEqual(['train/loss@1=0.8', 'best@1=0.8']);
    }
  });

  it('are those of this run only, where a file is kept from an earlier one', () => {
    const { write, append, start, look } = watched({ 'log.jsonl': false, 'm.json': true }, undefined, ['dvclive']);
    write('log.jsonl', '{"step": 1, "a": 1}\n');
    write('m.json', '{"a": 1}');
    write('dvclive/plots/metrics/b.tsv', 'step\tb\n0\t1\n');
    const live = start();
    expect(look(live)).toEqual([]);
    append('log.jsonl', '{"step": 2, "a": 2}\n');
    append('dvclive/plots/metrics/b.tsv', '1\t2\n');
    write('m.json', '{"a": 3}  ');
    expect(look(live).sort()).toEqual(['a@0=3', 'a@2=2', 'b@1=2']);
  });

  it('are left alone while a file of values is half written', () => {
    const { write, start, look } = watched({ 'm.json': true });
    const live = start();
    write('m.json', '{"acc": 0.');
    expect(look(live)).toEqual([]);
    write('m.json', '{"acc": 0.5}');
    expect(look(live)).toEqual(['acc@0=0.5']);
    expect(look(live, true)).toEqual([]);
  });
});
