// Pipelines beside real DVC, in twin folders on tmpfs. `npm run bench pipeline -- CASE...`: chain, fan, foreach, jobs.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { machine, median, milliseconds, mlopsCommand, printTable, rival, scratch, sh } from './measure.ts';

interface Place {
  readonly name: 'mlops' | 'dvc';
  readonly command: readonly string[];
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
}

const dvc = rival('dvc/bin/dvc');
const chosen = process.argv.slice(2);
const wanted = (name: string): boolean => chosen.length === 0 || chosen.includes(name);

console.log(machine());
if (wanted('chain')) chain(50);
if (wanted('fan')) fan(1000);
if (wanted('foreach')) foreachStages(10_000);
if (wanted('jobs')) jobs();

/** Stages that each copy what the one before made. */
function chain(length: number): void {
  const stages = Array.from({ length }, (_, i) => stage(`s${i}`, `cp o${i} o${i + 1}`, [`o${i}`], [`o${i + 1}`]));
  const yaml = `stages:\n${stages.join('')}`;
  const first = timed(`chain-${length}`, 3, (place) => {
    reset(place, { 'dvc.yaml': yaml, o0: 'start\n' });
    return clock(place, ['repro', '-q']);
  });
  const again = timed(`chain-again-${length}`, 3, (place, round) => {
    if (round === 0) {
      reset(place, { 'dvc.yaml': yaml, o0: 'start\n' });
      run(place, ['repro', '-q']);
    }
    return clock(place, ['repro', '-q']);
  });
  show(`${length} stages in a row`, [
    ['first run', first, 10],
    ['nothing changed', again, 8],
  ]);
}

/** One stage that a thousand others need; its data is unchanged. */
function fan(width: number): void {
  const stages = Array.from({ length: width }, (_, i) => stage(`f${i}`, 'true', ['base'], []));
  const yaml = `stages:\n${stage('base', 'echo 1 > base', [], ['base'])}${stages.join('')}`;
  const again = timed(`fan-${width}`, 1, (place, round) => {
    if (round === 0) {
      reset(place, { 'dvc.yaml': yaml });
      run(place, ['repro', '-q', 'base']);
      run(place, ['commit', '-f', '-q'], true);
    }
    return clock(place, ['status']);
  });
  show(`${width} stages that need one`, [['status', again, undefined]]);
}

/** Listed and checked, never run. */
function foreachStages(count: number): void {
  const items = Array.from({ length: count }, (_, i) => `    - ${i}\n`).join('');
  const yaml = `stages:\n  s:\n    foreach:\n${items}    do:\n      cmd: run \${item}\n      outs:\n      - o/\${item}\n`;
  const one = (args: readonly string[]): Map<string, number> =>
    timed(`foreach-${args[0]}-${count}`, 1, (place, round) => {
      if (round === 0) reset(place, { 'dvc.yaml': yaml });
      return clock(place, args);
    });
  show(`${count} stages of a foreach`, [
    ['stage list', one(['stage', 'list']), undefined],
    ['status', one(['status', '-q']), undefined],
  ]);
}

/** Four stages that sleep, and four that work, one and two at a time; DVC knows one at a time only. */
function jobs(): void {
  const kinds = { sleep: 'sleep 0.5', work: 'node -e "for (let t = Date.now(); Date.now() - t < 500;);"' };
  const rows = Object.entries(kinds).map(([name, command]) => {
    const yaml = `stages:\n${[0, 1, 2, 3].map((i) => stage(`j${i}`, `${command}; echo ${i} > j${i}`, [], [`j${i}`])).join('')}`;
    const one = (args: readonly string[]): Map<string, number> =>
      timed(`jobs-${name}-${args.length}`, 3, (place) => {
        reset(place, { 'dvc.yaml': yaml });
        return clock(place, place.name === 'dvc' ? ['repro', '-q'] : args);
      });
    const [serial, parallel] = [one(['repro', '-q']), one(['repro', '-q', '-j', '2'])];
    return [name, ms(serial.get('mlops')), ms(parallel.get('mlops')), ms(serial.get('dvc'))];
  });
  printTable('four independent stages', ['kind', 'mlops -j 1', 'mlops -j 2', 'dvc'], rows);
}

function stage(name: string, cmd: string, deps: readonly string[], outs: readonly string[]): string {
  const list = (key: string, items: readonly string[]): string =>
    items.length === 0 ? '' : `    ${key}:\n${items.map((item) => `    - ${item}\n`).join('')}`;
  return `  ${name}:\n    cmd: ${JSON.stringify(cmd)}\n${list('deps', deps)}${list('outs', outs)}`;
}

/** Medians by contestant; the rounds alternate so that a machine whose speed drifts treats both alike. */
function timed(label: string, rounds: number, work: (place: Place, round: number) => number): Map<string, number> {
  const folder = scratch(label);
  const places = [place(folder, 'mlops', mlopsCommand), ...(dvc === undefined ? [] : [place(folder, 'dvc', [dvc])])];
  const times = new Map<string, number[]>(places.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const own of places) {
      const time = work(own, round);
      if (round > 0) times.get(own.name)?.push(time);
    }
  }
  fs.rmSync(folder, { recursive: true, force: true });
  return new Map([...times].map(([name, values]) => [name, median(values)]));
}

function place(folder: string, name: Place['name'], command: readonly string[]): Place {
  const project = path.join(folder, name);
  const env = { ...process.env, DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: path.join(folder, `site-${name}`) };
  return { name, command, project, env };
}

function reset(own: Place, files: Readonly<Record<string, string>>): void {
  fs.rmSync(own.project, { recursive: true, force: true });
  fs.mkdirSync(own.project, { recursive: true });
  sh(['git', 'init', '-q'], { cwd: own.project });
  run(own, ['init', '-q']);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(own.project, name), text);
}

function run(own: Place, args: readonly string[], mayFail = false): void {
  sh([...own.command, ...args], { cwd: own.project, env: own.env, okay: mayFail ? [0, 1, 255] : [0, 1] });
}

function clock(own: Place, args: readonly string[]): number {
  const start = process.hrtime.bigint();
  run(own, args);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function show(title: string, rows: readonly (readonly [string, Map<string, number>, number | undefined])[]): void {
  printTable(
    title,
    ['step', 'mlops', 'dvc', 'ratio', 'goal'],
    rows.map(([name, times, goal]) => {
      const [ours, theirs] = [times.get('mlops'), times.get('dvc')];
      const ratio = ours === undefined || theirs === undefined ? '' : `${(theirs / ours).toFixed(1)}x`;
      return [name, ms(ours), ms(theirs), ratio, goal === undefined ? '' : `${goal}x`];
    }),
  );
}

function ms(value: number | undefined): string {
  return value === undefined ? '' : milliseconds(value);
}
