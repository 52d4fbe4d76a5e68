// Data commands beside real DVC and coreutils, step by step in twin folders on tmpfs.
// `npm run bench data SHAPE...`: empty, 14, 2226, 10000, 70000 (small files), 512m, 4g (one file; 4g on the disk, which has
// room for its copies), 32x64m; `minio` sends and fetches 2,226 files to and from a MinIO on this machine.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { startMinio, type Minio } from '../test/interop/s3/minio.ts';
import {
  machine,
  milliseconds,
  mlopsCommand,
  printTable,
  race,
  rival,
  scratch,
  sh,
  type Contestant,
} from './measure.ts';

interface Place {
  readonly name: string;
  readonly command: readonly string[];
  readonly project: string;
  readonly base: string;
  readonly env: NodeJS.ProcessEnv;
}

interface Step {
  readonly name: string;
  /** Not timed. */
  readonly prepare?: (place: Place, round: number) => void;
  readonly args: readonly string[];
  readonly goal?: number;
}

const dvc = rival('dvc/bin/dvc');
const shapes = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['10000', '512m'];
console.log(machine());
for (const shape of shapes) {
  if (shape === 'minio') await measureMinio();
  else measureShape(shape);
}

function measureShape(shape: string): void {
  const where = shape === '4g' ? 'disk' : 'memory';
  const folder = scratch(`data-${shape}`, where);
  const source = path.join(folder, 'source');
  makeData(source, shape);
  const places = [place(folder, 'mlops', mlopsCommand), ...(dvc === undefined ? [] : [place(folder, 'dvc', [dvc])])];
  for (const own of places) begin(own, source);
  const rounds = shape === '4g' || shape === '70000' ? 1 : shape === 'empty' ? 9 : 3;
  const rows = steps(shape).map((step) => [...timeStep(step, places, rounds)]);
  printTable(
    `${shape}: data ${where === 'disk' ? 'on disk' : 'on tmpfs'}`,
    ['step', 'mlops', 'dvc', 'ratio', 'goal'],
    rows,
  );
  if (shape !== 'empty') printTable(`${shape}: coreutils`, ['command', 'median'], floor(source, folder, rounds));
  fs.rmSync(folder, { recursive: true, force: true });
}

async function measureMinio(): Promise<void> {
  const program = rival('minio/minio');
  if (program === undefined) return console.log('MinIO is not installed: npm run tools');
  const minio = await startMinio(program);
  try {
    minio.makeBucket('bench');
    const folder = scratch('data-minio');
    const source = path.join(folder, 'source');
    makeData(source, '2226');
    const places = [place(folder, 'mlops', mlopsCommand), ...(dvc === undefined ? [] : [place(folder, 'dvc', [dvc])])];
    for (const own of places) {
      begin(own, source);
      sh([...own.command, 'add', 'data'], { cwd: own.project, env: own.env });
    }
    const rows = minioSteps(minio).map((step) => [...timeStep(step, places, 3)]);
    printTable('2226 files: MinIO', ['step', 'mlops', 'dvc', 'ratio', 'goal'], rows);
  } finally {
    await minio.stop();
  }
}

function minioSteps({ endpoint, options }: Minio): Step[] {
  const toMinio = ({ project, name }: Place, prefix: string): void => {
    const keys = Object.entries({ ...options, endpointurl: endpoint }).map(([key, value]) => `    ${key} = ${value}\n`);
    const text = `[core]\n    remote = s3\n['remote "s3"']\n    url = s3://bench/${name}/${prefix}\n${keys.join('')}`;
    fs.writeFileSync(path.join(project, '.dvc/config'), text);
  };
  const wiped = (own: Place): void => {
    wipe(`${own.project}/.dvc/cache`, `${own.project}/data`, `${own.base}/site`);
  };
  const afresh = (own: Place, round: number): void => {
    wipe(`${own.base}/site`);
    toMinio(own, `round${round}`);
  };
  return [
    { name: 'push', prepare: afresh, args: ['push'] },
    { name: 'push, nothing new', args: ['push'] },
    { name: 'status -c', args: ['status', '-c'] },
    { name: 'pull', prepare: wiped, args: ['pull'] },
  ];
}

function makeData(source: string, shape: string): void {
  fs.mkdirSync(source, { recursive: true });
  if (shape === 'empty') return undefined;
  const many = /^(\d+)x(\d+)m$/.exec(shape);
  const one = /^(\d+)([mg])$/.exec(shape);
  if (one !== null) return writeLarge(path.join(source, 'file'), Number(one[1]) * (one[2] === 'g' ? 1024 : 1));
  if (many !== null) {
    for (let i = 0; i < Number(many[1]); i++) writeLarge(path.join(source, `file${i}`), Number(many[2]));
    return undefined;
  }
  const noise = randomBytes(1 << 20);
  for (let i = 0; i < Number(shape); i++) {
    const directory = path.join(source, `d${Math.floor(i / 1000)}`);
    if (i % 1000 === 0) fs.mkdirSync(directory);
    const size = 1000 + ((i * 7919) % 7000);
    const content = Buffer.concat([Buffer.from(`${i} `), noise.subarray((i * 104_729) % 900_000).subarray(0, size)]);
    fs.writeFileSync(path.join(directory, `f${i}`), content);
  }
  return undefined;
}

function writeLarge(file: string, megabytes: number): void {
  const fd = fs.openSync(file, 'w');
  for (let i = 0; i < megabytes; i++) fs.writeSync(fd, randomBytes(1 << 20));
  fs.closeSync(fd);
}

function place(folder: string, name: string, command: readonly string[]): Place {
  const base = path.join(folder, name);
  const env = { ...process.env, DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: path.join(base, 'site') };
  return { name, command, base, project: path.join(base, 'project'), env };
}

function begin({ project, base, env }: Place, source: string): void {
  fs.mkdirSync(project, { recursive: true });
  sh(['git', 'init', '-q'], { cwd: project });
  sh([...(dvc === undefined ? mlopsCommand : [dvc]), 'init', '-q'], { cwd: project, env });
  configure({ project, base }, 'copy');
  sh(['cp', '-r', source, path.join(project, 'data')]);
}

function configure({ project, base }: Pick<Place, 'project' | 'base'>, type: string): void {
  const text = `[core]\n    remote = loc\n[cache]\n    type = ${type}\n['remote "loc"']\n    url = ${base}/remote\n`;
  fs.writeFileSync(path.join(project, '.dvc/config'), text);
}

function wipe(...targets: string[]): void {
  for (const target of targets) fs.rmSync(target, { recursive: true, force: true });
}

function steps(shape: string): Step[] {
  if (shape === 'empty') return [{ name: 'status', args: ['status'], goal: 4.5 }];
  const small = /^\d+$/.test(shape);
  const goal = (many: number, large?: number): { goal?: number } =>
    shape === '10000' ? { goal: many } : shape === '512m' && large !== undefined ? { goal: large } : {};
  const fresh = ({ project, base }: Place): void =>
    wipe(`${project}/.dvc/cache`, `${project}/.mlops`, `${project}/data.dvc`, `${project}/.gitignore`, `${base}/site`);
  const change = ({ project }: Place, round: number): void => {
    const file = small ? `${project}/data/d0/f0` : `${project}/data/extra`;
    fs.writeFileSync(file, `changed ${round} ${process.hrtime.bigint()}`);
  };
  const emptied =
    (type: string) =>
    (own: Place): void => {
      configure(own, type);
      wipe(`${own.project}/data`);
    };
  return [
    { name: 'add', prepare: fresh, args: ['add', 'data'], ...goal(8, 2) },
    { name: 'add again', args: ['add', 'data'], ...goal(8) },
    { name: 'add, one file changed', prepare: change, args: ['add', 'data'] },
    { name: 'status', args: ['status'], ...goal(6) },
    { name: 'status, one file changed', prepare: change, args: ['status'] },
    { name: 'data status --granular', args: ['data', 'status', '--granular'] },
    { name: 'diff', args: ['diff'] },
    { name: 'commit', args: ['commit', '-f'] },
    { name: 'push', prepare: ({ base }) => wipe(`${base}/remote`, `${base}/site`), args: ['push'], ...goal(9) },
    { name: 'push, nothing new', args: ['push'] },
    { name: 'status -c', args: ['status', '-c'] },
    { name: 'checkout, copies', prepare: emptied('copy'), args: ['checkout'], ...goal(7) },
    { name: 'checkout, nothing to do', args: ['checkout'] },
    {
      name: 'pull',
      prepare: ({ project, base }) => wipe(`${project}/.dvc/cache`, `${project}/data`, `${base}/site`),
      args: ['pull'],
      ...goal(8),
    },
    { name: 'checkout, hard links', prepare: emptied('hardlink'), args: ['checkout'], ...goal(7) },
    { name: 'checkout, symbolic links', prepare: emptied('symlink'), args: ['checkout'], ...goal(7) },
    { name: 'gc -w', args: ['gc', '-w', '-f'] },
  ];
}

function timeStep(step: Step, places: readonly Place[], rounds: number): string[] {
  let round = 0;
  const contestants = places.map((own): Contestant => ({
    name: own.name,
    prepare: () => step.prepare?.(own, round++),
    run: () => void sh([...own.command, ...step.args], { cwd: own.project, env: own.env }),
  }));
  const [ours, theirs] = race(contestants, rounds);
  const ratio = ours === undefined || theirs === undefined ? undefined : theirs.median / ours.median;
  return [
    step.name,
    milliseconds(ours?.median ?? 0),
    theirs === undefined ? '-' : milliseconds(theirs.median),
    ratio === undefined ? '-' : `${ratio.toFixed(1)}x`,
    step.goal === undefined ? '' : `${step.goal}x`,
  ];
}

function floor(source: string, folder: string, rounds: number): string[][] {
  const copy = path.join(folder, 'copy');
  const timings = race(
    [
      {
        name: 'find -type f -exec md5sum {} +',
        run: () => void sh(['find', source, '-type', 'f', '-exec', 'md5sum', '{}', '+']),
      },
      { name: 'cp -r', prepare: () => wipe(copy), run: () => void sh(['cp', '-r', source, copy]) },
    ],
    rounds,
  );
  return timings.map(({ name, median }) => [name, milliseconds(median)]);
}
