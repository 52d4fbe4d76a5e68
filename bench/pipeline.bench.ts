// Pipelines beside real DVC, in twin folders on tmpfs.
// `npm run bench pipeline`, or with cases (chain, fan, foreach, exp, jobs) and sizes (`fan=200 foreach=2000`).
import * as fs from 'node:fs';
import * as path from 'node:path';

import { machine, median, milliseconds, mlopsCommand, printTable, rival, scratch, sh } from './measure.ts';

interface Place {
  readonly name: 'mlops' | 'dvc';
  readonly command: readonly string[];
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
}

type Row = readonly [step: string, times: ReadonlyMap<string, number>];

const dvc = rival('dvc/bin/dvc');
const cases: Readonly<Record<string, { readonly size: number; readonly run: (size: number) => void }>> = {
  chain: { size: 50, run: chain },
  fan: { size: 1000, run: fan },
  foreach: { size: 10_000, run: foreachStages },
  exp: { size: 5, run: experiment },
  jobs: { size: 4, run: jobs },
};

console.log(machine());
const chosen = process.argv.slice(2).map((word) => word.split('='));
for (const [name, { size, run }] of Object.entries(cases)) {
  const wanted = chosen.find(([word]) => word === name);
  if (chosen.length > 0 && wanted === undefined) continue;
  const startedAt = Date.now();
  run(wanted?.[1] === undefined ? size : Number(wanted[1]));
  console.log(`(${name}: ${Math.round((Date.now() - startedAt) / 1000)} s)`);
}

/** Stages that each copy what the one before made. */
function chain(length: number): void {
  const stages = Array.from({ length }, (_, i) => stage(`s${i}`, `cp o${i} o${i + 1}`, [`o${i}`], [`o${i + 1}`]));
  const files = { 'dvc.yaml': `stages:\n${stages.join('')}`, o0: 'start\n' };
  const rows = both('chain', 2, (own, round) => {
    reset(own, files);
    const first = clock(own, ['repro', '-q']);
    const again = round === 0 ? [] : [clock(own, ['repro', '-q']), clock(own, ['repro', '-q'])];
    fs.writeFileSync(path.join(own.project, 'o0'), 'changed\n');
    return {
      'first run': [first],
      'nothing changed': again,
      'run again, everything changed': [clock(own, ['repro', '-q'])],
    };
  });
  show(`${length} stages in a row`, rows, { 'first run': 10, 'nothing changed': 8 });
}

/**
 * Stages that all need one, each with an output of its own. DVC writes its lock anew for each stage, which takes it
 * a quarter of an hour for a thousand: only a fifth of them are run by both. What is then checked, both take over
 * from a run of mlops, whose files are the same.
 */
function fan(width: number): void {
  const files = (count: number): Readonly<Record<string, string>> => {
    const stages = Array.from({ length: count }, (_, i) => stage(`f${i}`, `echo ${i} > o${i}`, ['base'], [`o${i}`]));
    return { 'dvc.yaml': `stages:\n${stage('base', 'echo 1 > base', [], ['base'])}${stages.join('')}` };
  };
  const few = Math.ceil(width / 5);
  const rows = both('fan', 0, (own) => {
    reset(own, files(few));
    const first = clock(own, ['repro', '-q']);
    reset(own, files(width));
    run({ ...own, command: mlopsCommand }, ['repro', '-q', '--no-record']);
    run(own, ['status', '-q']);
    return {
      [`first run of ${few}`]: [first],
      'nothing changed': [clock(own, ['repro', '-q'])],
      status: [clock(own, ['status', '-q'])],
    };
  });
  show(`${width} stages that need one`, rows);
}

/** Listed and checked, never run. */
function foreachStages(count: number): void {
  const items = Array.from({ length: count }, (_, i) => `    - ${i}\n`).join('');
  const yaml = `stages:\n  s:\n    foreach:\n${items}    do:\n      cmd: run \${item}\n      outs:\n      - o/\${item}\n`;
  const rows = both('foreach', 0, (own) => {
    reset(own, { 'dvc.yaml': yaml });
    return {
      'stage list': [clock(own, ['stage', 'list'])],
      'status, none has run': [clock(own, ['status', '-q'])],
      'repro --dry of one': [clock(own, ['repro', '--dry', `s@${count - 1}`])],
    };
  });
  show(`${count} stages of a foreach`, rows);
}

/** The same change of a param run plainly and as an experiment. */
function experiment(rounds: number): void {
  const yaml = `stages:\n  a:\n    cmd: echo 1 > a\n    params:\n    - lr\n    outs:\n    - a\n${stage('b', 'cp a b', ['a'], ['b'])}`;
  const rows = both('exp', 0, (own) => {
    reset(own, { 'dvc.yaml': yaml, 'params.yaml': 'lr: 0\n' });
    run(own, ['repro', '-q']);
    sh(['git', 'add', '.'], { cwd: own.project });
    sh(['git', '-c', 'user.name=b', '-c', 'user.email=b@example.invalid', 'commit', '-qm', 'x'], { cwd: own.project });
    const plain: number[] = [];
    const saved: number[] = [];
    for (let i = 1; i <= rounds; i++) {
      fs.writeFileSync(path.join(own.project, 'params.yaml'), `lr: ${i}\n`);
      plain.push(clock(own, ['repro', '-q']));
      saved.push(clock(own, ['exp', 'run', '-q', '-S', `lr=${100 + i}`]));
    }
    return { repro: plain, 'exp run': saved, 'exp run over repro': [median(saved) - median(plain)] };
  });
  show('a changed param of two stages', rows);
}

/** Stages that sleep, and that work, one and two at a time; DVC knows one at a time only. */
function jobs(count: number): void {
  const kinds = { sleeping: 'sleep 0.5', 'CPU-bound': 'node -e "for (let t = Date.now(); Date.now() - t < 500;);"' };
  const table = Object.entries(kinds).map(([kind, command]) => {
    const stages = Array.from({ length: count }, (_, i) =>
      stage(`j${i}`, `${command}; echo ${i} > j${i}`, [], [`j${i}`]),
    );
    const files = { 'dvc.yaml': `stages:\n${stages.join('')}` };
    const rows = both('jobs', 3, (own) => {
      const one = (args: readonly string[]): number => {
        reset(own, files);
        return clock(own, args);
      };
      if (own.name === 'dvc') return { one: [one(['repro', '-q'])] };
      return { one: [one(['repro', '-q'])], two: [one(['repro', '-q', '-j', '2'])] };
    });
    const [[, ones] = [], [, twos] = []] = rows;
    const [serial, parallel, theirs] = [ones?.get('mlops'), twos?.get('mlops'), ones?.get('dvc')];
    return [kind, ms(serial), ms(parallel), ms(theirs), ratio(serial, theirs), ratio(parallel, theirs)];
  });
  printTable(`${count} independent stages`, ['kind', 'mlops -j 1', 'mlops -j 2', 'dvc', '-j 1', '-j 2'], table);
}

function stage(name: string, cmd: string, deps: readonly string[], outs: readonly string[]): string {
  const list = (key: string, items: readonly string[]): string =>
    items.length === 0 ? '' : `    ${key}:\n${items.map((item) => `    - ${item}\n`).join('')}`;
  return `  ${name}:\n    cmd: ${JSON.stringify(cmd)}\n${list('deps', deps)}${list('outs', outs)}`;
}

/**
 * Does the work for both in turn, so that a machine whose speed drifts treats them alike; the first of more
 * than one rounds is a warm-up. Gives the median of each step's times by contestant.
 */
function both(
  label: string,
  rounds: number,
  work: (own: Place, round: number) => Readonly<Record<string, readonly number[]>>,
): Row[] {
  const folder = scratch(label);
  const places = [place(folder, 'mlops', mlopsCommand), ...(dvc === undefined ? [] : [place(folder, 'dvc', [dvc])])];
  const times = new Map<string, Map<string, number[]>>();
  for (let round = 0; round <= rounds; round++) {
    for (const own of places) {
      for (const [step, measured] of Object.entries(work(own, round))) {
        if (round === 0 && rounds > 0) continue;
        const byName = times.get(step) ?? new Map<string, number[]>();
        times.set(step, byName);
        byName.set(own.name, [...(byName.get(own.name) ?? []), ...measured]);
      }
    }
  }
  fs.rmSync(folder, { recursive: true, force: true });
  return [...times].map(([step, byName]) => [step, new Map([...byName].map(([name, all]) => [name, median(all)]))]);
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

/** `status -q` tells by 1 that something changed. */
function run(own: Place, args: readonly string[]): void {
  sh([...own.command, ...args], { cwd: own.project, env: own.env, okay: args[0] === 'status' ? [0, 1] : [0] });
}

function clock(own: Place, args: readonly string[]): number {
  const start = process.hrtime.bigint();
  run(own, args);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function show(title: string, rows: readonly Row[], goals: Readonly<Record<string, number>> = {}): void {
  printTable(
    title,
    ['step', 'mlops', 'dvc', 'ratio', 'goal'],
    rows.map(([name, times]) => {
      const [ours, theirs] = [times.get('mlops'), times.get('dvc')];
      const goal = goals[name];
      return [name, ms(ours), ms(theirs), ratio(ours, theirs), goal === undefined ? '' : `${goal}x`];
    }),
  );
}

function ratio(ours: number | undefined, theirs: number | undefined): string {
  return ours === undefined || theirs === undefined ? '' : `${(theirs / ours).toFixed(1)}x`;
}

function ms(value: number | undefined): string {
  return value === undefined ? '' : milliseconds(value);
}
