// A million tiny files: time and peak memory of add and status; DVC is not asked to do this.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { machine, milliseconds, mlopsCommand, mlopsUsage, printTable, scratch, sh } from './measure.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const folder = scratch('million');
const project = path.join(folder, 'project');
fs.mkdirSync(project);
sh(['git', 'init', '-q'], { cwd: project });
sh([...mlopsCommand, 'init', '-q'], { cwd: project });
for (let i = 0; i < count; i++) {
  const directory = path.join(project, 'data', `d${Math.floor(i / 1000)}`);
  if (i % 1000 === 0) fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, `f${i}`), `${i}\n`);
}

console.log(machine());
const rows = [['add', 'data'], ['status'], ['status']].map((args, i) => {
  const { seconds, peak } = mlopsUsage(args, project);
  const name = i === 2 ? 'status, again' : (args[0] ?? '');
  return [name, milliseconds(seconds * 1000), `${Math.round(peak)} MiB`];
});
printTable(`${count} files of a few bytes, tmpfs`, ['step', 'mlops', 'peak memory'], rows);
