// Every program of the project parses, has no tab, no blank at a line's end and no line over 140 characters. Put a linter
// of your choice here: gates.yaml and the workflows run `npm run lint`.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const files = ['src', 'scripts', 'tests'].flatMap((folder) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => join(folder, name)),
);
let faults = 0;
for (const file of files) {
  try {
    execFileSync(process.execPath, ['--check', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    report(file, String(error.stderr).trim());
  }
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.includes('\t')) report(`${file}:${index + 1}`, 'a tab');
    if (line !== line.trimEnd()) report(`${file}:${index + 1}`, 'blanks at the end');
    if (line.length > 140) report(`${file}:${index + 1}`, `${line.length} characters`);
  }
}
console.log(`${files.length} files, ${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;

function report(where, what) {
  faults++;
  console.error(`${where}: ${what}`);
}
