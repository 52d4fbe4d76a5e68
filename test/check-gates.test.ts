import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { command, freshProject, startMlops, urlOf } from './cli.ts';
import { commandLine, type Said } from './support/command-line.ts';
import { linearModel } from './support/onnx.ts';

/** Class 1 where a is larger than b; the other one takes b for less than it is. */
const good = (): Uint8Array =>
  linearModel(
    2,
    2,
    (input, output) => Number(input !== output),
    () => 0,
  );
const worse = (): Uint8Array =>
  linearModel(
    2,
    2,
    (input, output) => (input === output ? 0 : input === 1 ? 0.3 : 1),
    () => 0,
  );

const rows = Array.from({ length: 120 }, (_, i) => ({
  a: (i * 37) % 101,
  b: (i * 53) % 97,
  sex: i % 3 === 0 ? 'm' : 'f',
}));
const data = ['a,b,sex,y', ...rows.map(({ a, b, sex }) => `${a},${b},${sex},${Number(a > b)}`)].join('\n');

const gates = `version: 1
stages:
  Production:
    metrics: [{metric: accuracy, min: 0.9}, {metric: loss, max: 1}]
    not_worse: [{metric: accuracy, data: test.csv, target: y, margin: 0.02}]
    slices: [{column: sex, metric: f1_macro, data: test.csv, target: y, min: 0.8}]
    size_mb: {max: 1}
    latency_ms: {p95: 1000}
    required: {tags: {owner: me}, signature: true, input_example: true}
data: [{file: test.csv, schema: schema.yaml}]
code: [{name: style, run: 'test ! -f sloppy || (echo sloppy code; exit 3)'}]
models: {digits: {}}
`;

function project(): string {
  const folder = freshProject();
  const write = (name: string, content: string | Uint8Array): void =>
    fs.writeFileSync(path.join(folder, name), content);
  write('good.onnx', good());
  write('worse.onnx', worse());
  write('test.csv', `${data}\n`);
  write('schema.yaml', 'version: 1\ncolumns: {a: {type: integer, min: 0}, y: {values: [0, 1]}}\n');
  write('gates.yaml', gates);
  return folder;
}

function register(folder: string, file: string, accuracy: number): Promise<Said> {
  const facts = ['--metric', `accuracy=${accuracy}`, '--metric', 'loss=0.1', '--tag', 'owner=me'];
  return commandLine(folder, ['models', 'register', file, '--name', 'digits', ...facts]);
}

interface Shown {
  success: boolean;
  gates: { gate: string; name: string; passed: boolean; found: string }[];
}
const failedIn = (text: string): string[] =>
  (JSON.parse(text) as Shown).gates.filter((gate) => !gate.passed).map(({ gate, name }) => `${gate} ${name}`);

describe('gates', () => {
  it('stop bad data, a worse model and bad code in CI, each with a summary that names it', async () => {
    const folder = project();
    const summary = path.join(folder, 'summary.md');
    const ci = (...words: string[]): Promise<Said> => {
      fs.rmSync(summary, { force: true });
      return commandLine(folder, ['check', 'all', '--format', 'github', ...words], {
        env: { GITHUB_STEP_SUMMARY: summary },
      });
    };
    const told = (): string => fs.readFileSync(summary, 'utf8').replaceAll('\\', '');
    // Before there is any model, data and code are checked.
    expect(await ci()).toMatchObject({ status: 0, stderr: expect.stringContaining('skipped models digits') });
    expect((await ci('models:/digits/1')).status).toBe(2);

    fs.writeFileSync(path.join(folder, 'test.csv'), `${data}\n-5,1,f,2\n`);
    expect((await ci()).status).toBe(1);
    expect(told()).toMatch(/❌ \| data \| data test.csv \| .* \| 2 fail: a min: .*line 122: -5.*y values/);
    fs.writeFileSync(path.join(folder, 'test.csv'), `${data}\n`);

    fs.writeFileSync(path.join(folder, 'sloppy'), '');
    expect((await ci()).status).toBe(1);
    expect(told()).toMatch(/❌ \| code \| code style \| .*exit status 3[^]*Output of style:\n\n {4}sloppy code/);
    fs.rmSync(path.join(folder, 'sloppy'));

    expect((await register(folder, 'good.onnx', 0.95)).status).toBe(0);
    expect(await ci()).toMatchObject({ status: 0, stdout: expect.stringContaining('gates passed') });
    expect(told()).toMatch(/### Gates: passed[^]*✅ \| data \| data test.csv[^]*✅ \| code \| code style/);
    expect((await commandLine(folder, ['models', 'promote', 'digits', '1', '--stage', 'Production'])).status).toBe(0);

    expect((await register(folder, 'worse.onnx', 0.99)).status).toBe(0);
    expect((await ci()).status).toBe(1);
    expect(told()).toMatch(/❌ \| models:\/digits\/2 \(Production\) \| not_worse accuracy than Production \|/);
    const junit = await commandLine(folder, ['check', 'all', 'models:/digits/2', '--format', 'junit']);
    expect(junit.status).toBe(1);
    expect(junit.stdout).toMatch(
      /<testcase name="not_worse accuracy than Production"[^]*<failure message="expected not worse/,
    );
    expect((await commandLine(folder, ['check', 'code', '--json'])).stdout).toMatch(/"success": ?true/);
  });

  it('record what they found on the version, and refuse its promotion, which a reason overrides', async () => {
    const folder = project();
    await register(folder, 'good.onnx', 0.95);
    const first = await commandLine(folder, ['check', 'model', 'models:/digits/1', '--json']);
    expect([first.status, failedIn(first.stdout)]).toEqual([0, []]);
    expect(JSON.parse(first.stdout)).toMatchObject({
      model: 'digits',
      version: '1',
      stage: 'Production',
      success: true,
    });
    const shown = JSON.parse((await commandLine(folder, ['models', 'show', 'digits', '1', '--json'])).stdout) as {
      tags: { key: string; value: string }[];
    };
    expect(JSON.parse(shown.tags.find(({ key }) => key === 'mlops.gates.Production')?.value ?? '')).toMatchObject({
      passed: true,
      stage: 'Production',
      version: '1',
      gates: expect.stringMatching(/^[0-9a-f]{64}$/),
      failed: [],
    });
    // Test rows that cannot be read fail the gates that need them, with the line.
    fs.writeFileSync(path.join(folder, 'test.csv'), `${data}\n1,2\n`);
    const ragged = await commandLine(folder, ['check', 'model', 'models:/digits/1', '--json']);
    expect([ragged.status, failedIn(ragged.stdout)]).toEqual([1, ['slices f1_macro by sex', 'latency_ms p95']]);
    expect(ragged.stdout).toContain('line 122 has 2 fields');
    fs.writeFileSync(path.join(folder, 'test.csv'), `${data}\n`);
    expect((await commandLine(folder, ['check', 'model', 'models:/digits/1', '--stage', 'Prod'])).status).toBe(2);
    await commandLine(folder, ['models', 'promote', 'digits', '1', '--stage', 'Production']);
    await register(folder, 'worse.onnx', 0.5);
    const second = await commandLine(folder, ['check', 'model', 'models:/digits/2', '--json']);
    expect([second.status, failedIn(second.stdout)]).toEqual([
      1,
      [
        'metrics accuracy',
        'not_worse accuracy than Production',
        'slices f1_macro where sex=m',
        'slices f1_macro where sex=f',
      ],
    ]);
    const promote = (...words: string[]): Promise<Said> =>
      commandLine(folder, ['models', 'promote', 'digits', '2', '--stage', 'Production', ...words]);
    expect(await promote()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not_worse accuracy than Production'),
    });
    expect((await promote('--override', ' ')).status).toBe(2);
    expect((await promote('--override', 'the old one is broken')).status).toBe(0);
    const trail = (await commandLine(folder, ['models', 'history', 'digits', '--json'])).stdout;
    expect(trail).toMatch(/override: the old one is broken \(failed gates: metrics accuracy, not_worse/);
  });

  it('are told wrong with file and line, and skip what is not there', async () => {
    const folder = freshProject();
    const check = (text: string, ...words: string[]): Promise<Said> => {
      fs.writeFileSync(path.join(folder, 'gates.yaml'), text);
      return commandLine(folder, ['check', ...words]);
    };
    expect(await check('version: 1\nstages: {Prodution: {}}\n', 'all')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/gates.yaml:2: unknown key 'Prodution' in stages[^]*did you mean 'Production'/),
    });
    expect((await check('version: 1\nstages: {Production: {metrics: [{metric: a}]}}\n', 'all')).status).toBe(2);
    const typo = 'slices: [{column: a, metric: f1_marco, data: t.csv, target: y, min: 0.5}]';
    expect(await check(`version: 1\nstages: {Production: {${typo}}}\n`, 'all')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean 'f1_macro'?"),
    });
    expect(await check('version: 1\n', 'all')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('skipped models'),
    });
    expect((await check('version: 1\ndata: [{file: none.csv, schema: none.yaml}]\n', 'all')).status).toBe(2);
    expect((await commandLine(folder, ['check', 'all', '--gates', 'none.yaml'])).status).toBe(2);
  });

  it('judge a version that `repro` made by its lineage: its commit, its data, and their drift', async () => {
    const folder = freshProject();
    const write = (name: string, content: string | Uint8Array): void =>
      fs.writeFileSync(path.join(folder, name), content);
    const ages = (from: number): number[] => Array.from({ length: 60 }, (_, i) => from + (i % 20) * 1.5);
    const table = (from: number): string => `age,kind\n${ages(from).join(',x\n')},x\n`;
    write('raw.csv', table(20));
    write('source.onnx', good());
    write(
      'dvc.yaml',
      `stages:
  prepare: {cmd: cp raw.csv train.csv && cp raw.csv test.csv, deps: [raw.csv], outs: [train.csv, test.csv]}
  train: {cmd: cp source.onnx model.onnx, deps: [train.csv, test.csv, source.onnx], outs: [model.onnx]}
`,
    );
    write(
      'gates.yaml',
      'version: 1\nstages: {Production: {required: {lineage: true, clean_git: true}, drift: {max_share: 0.2}}}\n',
    );
    write('checked.yaml', 'version: 1\ncolumns: {age: {type: number}}\ndrift: {reference: "models:/m/1"}\n');
    command(folder, 'git', ['add', '-A']);
    command(folder, 'git', ['commit', '-qm', 'one']);
    const reproduced = async (): Promise<void> => {
      expect((await commandLine(folder, ['repro', '-q'])).status).toBe(0);
      expect((await commandLine(folder, ['models', 'register', 'model.onnx', '--name', 'm'])).status).toBe(0);
    };
    const check = async (version: number): Promise<[number, string[]]> => {
      const { status, stdout } = await commandLine(folder, ['check', 'model', `models:/m/${version}`, '--json']);
      return [status, (JSON.parse(stdout) as Shown).gates.map((gate) => `${gate.name}: ${gate.passed}, ${gate.found}`)];
    };
    const log = async (from: number): Promise<void> => {
      const record = (age: number): string =>
        JSON.stringify({ model: 'm', version: '1', inputs: { age, kind: 'x' }, prediction: 1 });
      write('../log.jsonl', ages(from).map(record).join('\n'));
      expect((await commandLine(folder, ['monitor', 'log', '../log.jsonl'])).status).toBe(0);
    };
    await reproduced();
    const clean = [expect.stringMatching(/^lineage: true, raw.csv/), expect.stringMatching(/^clean_git: true, \w{7}$/)];
    expect(await check(1)).toEqual([0, [...clean, 'training data: true, too few predictions to judge']]);
    await log(20);
    expect(await check(1)).toEqual([0, [...clean, 'training data: true, 0 %']]);
    // The data of then are found by their content, also where others lie in their place.
    fs.rmSync(path.join(folder, 'train.csv'));
    write('train.csv', table(70));
    expect(await check(1)).toEqual([0, [...clean, 'training data: true, 0 %']]);
    for (const [file, status] of [
      ['raw.csv', 0],
      ['train.csv', 1],
    ] as const) {
      expect((await commandLine(folder, ['check', 'data', file, '--schema', 'checked.yaml'])).status).toBe(status);
    }
    await log(50);
    expect(await check(1)).toEqual([1, [...clean, 'training data: false, 50 %: age']]);
    // A run of changed sources.
    write('source.onnx', worse());
    await reproduced();
    expect(await check(2)).toMatchObject([
      1,
      [clean[0], expect.stringMatching(/^clean_git: false, \w{7} with changes$/), expect.anything()],
    ]);
    // A model of no run has neither.
    expect((await commandLine(folder, ['models', 'register', 'source.onnx', '--name', 'm'])).status).toBe(0);
    expect(await check(3)).toMatchObject([1, expect.arrayContaining([expect.stringMatching(/^lineage: false/)])]);
  });

  it('are asked for by the REST API of a model that is tagged so', async () => {
    const folder = project();
    await register(folder, 'good.onnx', 0.95);
    const url = await urlOf(startMlops(folder, ['server', '-p', '0']));
    const post = async (call: string, body: object): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${url}/api/2.0/mlflow/${call}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    };
    const move = (stage: string) => post('model-versions/transition-stage', { name: 'digits', version: '1', stage });
    expect((await move('Staging')).status).toBe(200);
    await post('registered-models/set-tag', { name: 'digits', key: 'mlops.gates', value: 'required' });
    expect(await move('Production')).toMatchObject({ status: 400, text: expect.stringContaining('has not passed') });
    expect(await post('registered-models/alias', { name: 'digits', alias: 'champion', version: '1' })).toMatchObject({
      status: 400,
    });
    expect((await move('None')).status).toBe(200);
    expect(
      (await commandLine(folder, ['check', 'model', 'models:/digits/1'], { env: { MLFLOW_TRACKING_URI: url } })).status,
    ).toBe(0);
    expect((await move('Production')).status).toBe(200);
    expect((await post('registered-models/alias', { name: 'digits', alias: 'champion', version: '1' })).status).toBe(
      200,
    );
  });
});
