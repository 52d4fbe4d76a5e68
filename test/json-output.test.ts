import { Ajv2020 } from 'ajv/dist/2020.js';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { commandLine } from './support/command-line.ts';
import { initProject } from '../src/repo/setup/init.ts';
import { root } from './cli.ts';

const schemas = path.join(root, 'docs/schemas');
const validators = new Map(
  fs.readdirSync(schemas).map((file) => {
    const schema = JSON.parse(fs.readFileSync(path.join(schemas, file), 'utf8')) as object;
    return [
      path.basename(file, '.json'),
      new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema),
    ] as const;
  }),
);

function expectValid(name: string, value: unknown): void {
  const validate = validators.get(name);
  expect(
    validate?.(value),
    `${name}: ${JSON.stringify(validate?.errors)} of ${JSON.stringify(value).slice(0, 300)}`,
  ).toBe(true);
}

let folder = '';

const files: Readonly<Record<string, string>> = {
  'dvc.yaml':
    'stages:\n  a:\n    cmd: echo 1 > a\n    outs: [a]\n  b:\n    cmd: cat a > b\n    deps: [a]\n    outs: [b]\n',
  '.dvc/config': [
    '[core]\n    remote = here\n[\'remote "here"\']\n    url = ../../store\n',
    '[\'remote "web"\']\n    url = https://me:hush@host.example/x\n    password = hush\n',
  ].join(''),
  '.dvcignore': '*.tmp\n',
  'data.csv': 'x\n2\n',
};

beforeAll(() => {
  const place = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-json-')));
  folder = path.join(place, 'project');
  fs.mkdirSync(folder);
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: folder });
  initProject(folder);
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
});

afterAll(() => fs.rmSync(path.dirname(folder), { recursive: true, force: true }));

const events = (stdout: string): { event: string; [fact: string]: unknown }[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });

describe('JSON output', () => {
  it('of commands that read is what the schemas say', async () => {
    const cases: readonly [string, readonly string[]][] = [
      ['docs', ['docs', '--json']],
      ['explain', ['explain', 'usage', '--json']],
      ['doctor', ['version', '--json']],
      ['stage-list', ['stage', 'list', '--json']],
      ['dag', ['dag', '--json']],
      ['config', ['config', '-l', '--json']],
      ['list-url', ['list-url', '.', '--json']],
      ['du', ['du', '.', '--json']],
      ['check-ignore', ['check-ignore', 'x.tmp', '--json']],
    ];
    for (const [schema, words] of cases) {
      const said = await commandLine(folder, words);
      expect(said, words.join(' ')).toMatchObject({ status: 0 });
      expectValid(schema, JSON.parse(said.stdout));
    }
    expect((await commandLine(folder, ['dag', '--jq', '.edges[0] | .from'])).stdout).toBe('a\n');
    expect((await commandLine(folder, ['stage', 'list', '--jq', '.[].name'])).stdout).toBe('a\nb\n');
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'x', '--allow-empty'], {
      cwd: folder,
    });
    expectValid('exp-list', JSON.parse((await commandLine(folder, ['exp', 'list', '-A', '--json'])).stdout));
  });

  it('of a stream is a line per event, with the start, the result and the end', async () => {
    const dry = events((await commandLine(folder, ['repro', '--dry', '--json'])).stdout);
    expect(dry.map(({ event }) => event)).toContain('running');
    expect(fs.existsSync(path.join(folder, 'a'))).toBe(false);
    const cases: readonly [readonly string[], object][] = [
      [['repro', '--json', '--no-record'], { ran: 2, cached: 0, run_id: null }],
      [['add', 'data.csv', '--json'], { files: expect.arrayContaining(['data.csv.dvc']) as string[] }],
      [['push', '--dry-run', '--json'], { dry: true, to_push: expect.arrayContaining(['a', 'data.csv']) as string[] }],
      [['push', '--json'], { pushed: 2 }],
      [['pull', '--json'], { fetched: 0 }],
      [['checkout', '--json'], { failed: [] }],
    ];
    for (const [words, result] of cases) {
      const said = await commandLine(folder, words);
      expect(said.status, `${words.join(' ')}: ${said.stderr}`).toBe(0);
      const told = events(said.stdout);
      for (const event of told) expectValid('event', event);
      expect(told[0]).toMatchObject({ event: 'start', format: 1, command: words[0] });
      expect(told.at(-1)).toEqual({ event: 'end', status: 0 });
      expect(
        told.find(({ event }) => event === 'result'),
        words.join(' '),
      ).toMatchObject(result);
    }
    expect((await commandLine(folder, ['repro', '--jq', '.event'])).stdout).toMatch(/^start\n(?:.*\n)*end\n$/);
  });

  it('of a stream that fails tells the error and the exit status', async () => {
    const said = await commandLine(folder, ['add', 'nothing', '--json']);
    const told = events(said.stdout);
    for (const event of told) expectValid('event', event);
    expect(told.at(-2)).toMatchObject({ event: 'error', message: expect.stringContaining('nothing') as string });
    expect(told.at(-1)).toEqual({ event: 'end', status: said.status });
    expect(said.stderr).toContain('ERROR');
  });

  it('hides secrets of the configuration, unless they are asked for', async () => {
    const shown = (await commandLine(folder, ['config', '-l'])).stdout;
    expect(shown).not.toContain('hush');
    expect(shown).toContain('remote.web.password=*****');
    expect(shown).toContain('https://me:*****@host.example/x');
    expect((await commandLine(folder, ['config', '-l', '--json'])).stdout).not.toContain('hush');
    expect((await commandLine(folder, ['config', '-l', '--show-secrets'])).stdout).toContain(
      'remote.web.password=hush',
    );
    expect((await commandLine(folder, ['config', '-l'], { asDvc: true })).stdout).toContain('remote.web.password=hush');
  });
});

describe('--dry-run', () => {
  it('of what deletes deletes nothing, and says what it would', async () => {
    const before = fs.readdirSync(folder).sort();
    const cases: readonly [readonly string[], RegExp][] = [
      [['remove', 'data.csv.dvc', '--outs', '--dry-run'], /would remove data\.csv\.dvc\nwould delete data\.csv/],
      [['remove', 'a', '--dry'], /would remove stage 'a'/],
      [['destroy', '--dry-run'], /would remove dvc\.yaml\n(?:.*\n)*would remove \.dvc\n/],
      [['gc', '-w', '--dry-run'], /./],
      [['exp', 'remove', '-A', '--dry-run'], /^/],
    ];
    for (const [words, expected] of cases) {
      const said = await commandLine(folder, words);
      expect(said.status, `${words.join(' ')}: ${said.stderr}`).toBe(0);
      expect(said.stdout + said.stderr, words.join(' ')).toMatch(expected);
    }
    expect(fs.readdirSync(folder).sort()).toEqual(before);
  });
});
