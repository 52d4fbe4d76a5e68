/** The project templates as a newcomer meets them: rendered into a folder and run with plain Node. */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { listTemplates, renderTemplate } from '../src/scaffold/index.ts';

interface Stage {
  cmd: string;
  deps: string[];
  params?: string[];
  outs?: string[];
  metrics?: Record<string, unknown>[];
  plots?: Record<string, unknown>[];
}

interface Digit {
  pixels: number[];
  label: number;
}

let room: string;

beforeAll(() => {
  room = fs.mkdtempSync(path.join(os.tmpdir(), 'templates-'));
});

afterAll(() => fs.rmSync(room, { recursive: true, force: true }));

describe.each(listTemplates().map(({ name }) => name))('template %s', (name) => {
  let folder: string;

  beforeAll(() => {
    folder = render(name, 'declared');
  });

  it('declares every file that a stage imports', () => {
    for (const [stage, { cmd, deps }] of stagesOf(folder)) {
      const script = cmd.split(' ')[1] ?? '';
      expect(deps, stage).toEqual(expect.arrayContaining(importsOf(folder, script)));
    }
  });

  it('declares every parameter, and no other', () => {
    const declared = stagesOf(folder).flatMap(([, { params = [] }]) => params);
    expect(declared.sort()).toEqual(leaves(parse(read(folder, 'params.yaml'))).sort());
  });

  it('makes all that its stages declare, and nothing else', () => {
    const before = listAll(folder);
    runStages(folder);
    const outs = stagesOf(folder).flatMap(([, stage]) => outsOf(stage));
    for (const out of outs) expect(fs.existsSync(path.join(folder, out)), out).toBe(true);
    const made = listAll(folder).filter((file) => !before.includes(file));
    expect(made.filter((file) => !outs.some((out) => file === out || file.startsWith(`${out}/`)))).toEqual([]);
  });

  it('makes the same bytes in every run', () => {
    const again = render(name, 'again');
    runStages(again);
    for (const file of listAll(folder)) {
      expect(fs.readFileSync(path.join(again, file)).equals(fs.readFileSync(path.join(folder, file))), file).toBe(true);
    }
  });
});

describe('the digits', () => {
  let folder: string;
  let holdout: Digit[];

  beforeAll(() => {
    folder = render('digits', 'trained');
    runStages(folder);
    holdout = JSON.parse(read(folder, 'data/holdout.json')) as Digit[];
  });

  it('are all used, each in one place', () => {
    const lines = ['train', 'test'].flatMap((part) => read(folder, `data/prepared/${part}.csv`).trimEnd().split('\n'));
    lines.push(...holdout.map(({ pixels, label }) => [...pixels, label].join(',')));
    expect(lines).toHaveLength(1797);
    expect(new Set(lines).size).toBe(1797);
    expect(holdout).toHaveLength(6);
  });

  it('are recognised with an accuracy above 0.95', () => {
    const metrics = JSON.parse(read(folder, 'metrics.json')) as Record<string, number>;
    expect(Object.keys(metrics)).toEqual(['accuracy', 'loss', 'macro_f1', 'n_test']);
    expect(metrics['accuracy']).toBeGreaterThan(0.95);
    expect(metrics['macro_f1']).toBeGreaterThan(0.95);
    const pairs = read(folder, 'plots/confusion.csv').trimEnd().split('\n').slice(1);
    expect(pairs).toHaveLength(metrics['n_test'] ?? 0);
    const right = pairs.filter((pair) => pair[0] === pair[2]).length;
    expect(right / pairs.length).toBeCloseTo(metrics['accuracy'] ?? 0, 6);
  });

  it('leave a loss curve with a line for every epoch', () => {
    const [header, ...lines] = read(folder, 'plots/loss.csv').trimEnd().split('\n');
    expect(header).toBe('epoch,loss,val_loss,val_accuracy');
    const rows = lines.map((line) => line.split(',').map(Number));
    expect(rows.map(([epoch]) => epoch)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(rows.at(-1)?.[1]).toBeLessThan((rows[0]?.[1] ?? 0) / 5);
  });

  it('get from ONNX Runtime what the weights say', async () => {
    const digits = [...holdout, ...readCsv(path.join(folder, 'data/prepared/test.csv'))];
    const session = await InferenceSession.create(path.join(folder, 'model.onnx'));
    expect([session.inputNames, session.outputNames]).toEqual([['pixels'], ['label', 'probabilities']]);
    const pixels = Float32Array.from(digits.flatMap((digit) => digit.pixels));
    const answer = await session.run({ pixels: new Tensor('float32', pixels, [digits.length, 64]) });
    const [label, probabilities] = [answer['label'], answer['probabilities']];
    expect([label?.type, label?.dims]).toEqual(['int64', [digits.length]]);
    expect([probabilities?.type, probabilities?.dims]).toEqual(['float32', [digits.length, 10]]);

    const expected = digits.map((digit) => forward(folder, digit.pixels));
    const values = probabilities?.data as Float32Array;
    for (const [index, value] of values.entries()) {
      expect(Math.abs(value - (expected[Math.floor(index / 10)]?.[index % 10] ?? NaN))).toBeLessThan(1e-5);
    }
    expect(Array.from(label?.data as BigInt64Array, Number)).toEqual(
      expected.map((row) => row.indexOf(Math.max(...row))),
    );
    await session.release();
  });

  it('come with unit tests that pass', () => {
    const result = spawnSync(process.execPath, ['--test'], { cwd: folder, encoding: 'utf8', env: plainEnv() });
    expect(result.stdout).toMatch(/^# pass 1\d$/m);
    expect(result.status, result.stdout).toBe(0);
  });

  it.each([
    ['hidden: 64', 'hidden: 0', 'params.yaml: "train.hidden" must be a whole number from 1, and is 0'],
    ['hidden: 64', 'hiden: 64', 'params.yaml: "train.hiden" is not a parameter of this stage'],
    ['  lr: 0.002', '', 'params.yaml: "train.lr" is missing'],
    ['hidden: 64', 'hidden: [64]', 'params.yaml, line 10: the value of "hidden" must be a number, and is "[64]"'],
  ])('refuse the parameters with %s changed to "%s"', (from, to, message) => {
    const copy = render('digits', 'refuse');
    const params = path.join(copy, 'params.yaml');
    fs.writeFileSync(params, fs.readFileSync(params, 'utf8').replace(from, to));
    const result = spawnSync(process.execPath, ['src/train.mjs'], { cwd: copy, encoding: 'utf8' });
    expect(result.stderr).toContain(`Error: ${message}`);
    expect(result.status).toBe(1);
  });
});

describe('the npm package', () => {
  it('contains every file of every template', () => {
    const repo = path.resolve(import.meta.dirname, '..');
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const [packed] = JSON.parse(execFileSync(npm, args, { cwd: repo, encoding: 'utf8', stdio: 'pipe' })) as [
      { files: { path: string }[] },
    ];
    const templates = path.join(repo, 'templates');
    const files = listAll(templates).map((file) => `templates/${file}`);
    expect(files.length).toBeGreaterThan(20);
    expect(packed.files.map((file) => file.path)).toEqual(expect.arrayContaining(files));
  });
});

/** A fresh copy of a template. */
function render(name: string, label: string): string {
  const folder = fs.mkdtempSync(path.join(room, `${name}-${label}-`));
  renderTemplate(name, folder, { variables: { project: 'demo' } });
  return folder;
}

/** The stages in the order of the file, which in the templates is the order to run them in. */
function stagesOf(folder: string): [string, Stage][] {
  const { stages } = parse(read(folder, 'dvc.yaml')) as { stages: Record<string, Stage> };
  return Object.entries(stages);
}

function outsOf(stage: Stage): string[] {
  const named = [...(stage.metrics ?? []), ...(stage.plots ?? [])].flatMap((item) => Object.keys(item));
  return [...(stage.outs ?? []), ...named];
}

function runStages(folder: string): void {
  const params = parse(read(folder, 'params.yaml')) as Record<string, unknown>;
  for (const [, { cmd, deps }] of stagesOf(folder)) {
    for (const dep of deps) expect(fs.existsSync(path.join(folder, dep)), dep).toBe(true);
    const [program, ...args] = cmd.replace(/\$\{(\w+)\}/g, (_, key: string) => String(params[key])).split(' ');
    expect(program).toBe('node');
    execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' });
  }
}

/** A script and all that it imports from its own project. */
function importsOf(folder: string, script: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(script)) return [];
  seen.add(script);
  for (const [, file] of read(folder, script).matchAll(/from '(\.[^']+)'/g)) {
    importsOf(folder, path.posix.join(path.posix.dirname(script), file ?? ''), seen);
  }
  return [...seen];
}

/** `{ a: { b: 1 } }` to `['a.b']`. */
function leaves(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, prefix === '' ? key : `${prefix}.${key}`));
}

/** The network once more, from weights.json and with the built-in Math: independent of the code of the template. */
function forward(folder: string, pixels: number[]): number[] {
  const { layers } = JSON.parse(read(folder, 'weights.json')) as {
    layers: { inputs: number; weights: number[]; biases: number[] }[];
  };
  let values = pixels.map((pixel) => pixel / 16);
  for (const [index, { inputs, weights, biases }] of layers.entries()) {
    const sums = biases.map((bias, output) =>
      values.reduce((sum, value, input) => sum + value * (weights[output * inputs + input] ?? NaN), bias),
    );
    values = index === layers.length - 1 ? sums.map(Math.exp) : sums.map((sum) => Math.max(sum, 0));
  }
  const total = values.reduce((a, b) => a + b);
  return values.map((value) => value / total);
}

function readCsv(file: string): Digit[] {
  const rows = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  return rows
    .map((row) => row.split(',').map(Number))
    .map((row) => ({ pixels: row.slice(0, 64), label: row[64] ?? NaN }));
}

function read(folder: string, file: string): string {
  return fs.readFileSync(path.join(folder, file), 'utf8');
}

function listAll(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => path.relative(folder, path.join(item.parentPath, item.name)).split(path.sep).join('/'))
    .sort();
}

/** Without this, Node's test runner takes itself for a child of vitest's and reports in binary. */
function plainEnv(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  return env;
}
