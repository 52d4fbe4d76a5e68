// What recording costs: the same repro with and without it, for one stage and for thirty.
// Goals: at most 30 ms a repro and 2 ms a stage.
import * as fs from 'node:fs';
import * as path from 'node:path';

import { machine, milliseconds, mlopsCommand, printTable, race, scratch, sh } from './measure.ts';

const home = scratch('record');

function project(name: string, stages: number): string {
  const folder = path.join(home, name);
  fs.mkdirSync(folder);
  sh(['git', 'init', '-q', folder]);
  sh([...mlopsCommand, 'init', '-q'], { cwd: folder });
  const lines = Array.from(
    { length: stages },
    (_, i) => `  s${i}:\n    cmd: echo ${i} > o${i}\n    outs: [o${i}]\n    params: [lr]\n`,
  );
  fs.writeFileSync(path.join(folder, 'dvc.yaml'), `stages:\n${lines.join('')}`);
  fs.writeFileSync(path.join(folder, 'params.yaml'), 'lr: 0.1\n');
  return folder;
}

console.log(machine());
const rows: string[][] = [];
for (const stages of [1, 30]) {
  const plain = project(`plain-${stages}`, stages);
  const recorded = project(`recorded-${stages}`, stages);
  const timings = race(
    [
      { name: 'without', run: () => void sh([...mlopsCommand, 'repro', '-q', '-f', '--no-record'], { cwd: plain }) },
      { name: 'with', run: () => void sh([...mlopsCommand, 'repro', '-q', '-f'], { cwd: recorded }) },
    ],
    9,
  );
  const [without = 0, withRecord = 0] = timings.map((timing) => timing.median);
  rows.push([String(stages), milliseconds(without), milliseconds(withRecord), milliseconds(withRecord - without)]);
}
printTable('Recording a repro', ['stages', '--no-record', 'recorded', 'difference'], rows);
