import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { bugReport, issueAddress, writeReport } from '../src/cli/entry/bug-report.ts';
import { manPage } from '../src/cli/entry/man.ts';
import { loadCommands } from '../src/cli/entry/docs.ts';
import { allFlags, envName, hasJson } from '../src/cli/parse/general-flags.ts';
import { readGlobalFlags } from '../src/cli/parse/global-flags.ts';
import { selectJson } from '../src/cli/parse/json-select.ts';
import { createTerminal, type Streams } from '../src/cli/terminal/create-terminal.ts';
import { commandLine } from './support/command-line.ts';
import { openProjectWith } from './support/repo.ts';
import { root, temporaryFolder } from './cli.ts';

/** A terminal of a size, as `main` makes it for a command line. */
async function terminalOf(words: readonly string[], tty: { columns?: number; rows?: number } = {}, input = '') {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  stdin.write(input);
  const stdout = Object.assign(new PassThrough(), { isTTY: true, ...tty });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, ...tty });
  const streams: Streams = {
    stdin,
    stdout,
    stderr,
    cwd: '/',
    env: { TERM: 'xterm' },
    signal: new AbortController().signal,
    asDvc: false,
  };
  return { terminal: await createTerminal(readGlobalFlags(words), streams), stdout, stderr };
}

// The points are those of "CLI UX: 40 points"; a point that has a test of its own elsewhere is named there.

describe('point 30: --yes and --no-input, and nothing waits on a pipe', () => {
  it('are taken anywhere before a command of the user', () => {
    expect(readGlobalFlags(['models', 'delete', 'x', '--yes'])).toMatchObject({
      yes: true,
      words: ['models', 'delete', 'x'],
    });
    expect(readGlobalFlags(['gc', '-w', '--no-input'])).toMatchObject({ noInput: true, words: ['gc', '-w'] });
    expect(readGlobalFlags(['run', '--', 'apt', '--yes'])).toMatchObject({ yes: false });
    expect(readGlobalFlags(['run', 'apt', '--yes'])).toMatchObject({ yes: false });
  });

  it('keep a question from being asked on a terminal', async () => {
    const { terminal } = await terminalOf(['--no-input', 'x'], {}, 'y\n');
    expect(await terminal.confirm('sure?')).toBe(false);
    await expect(terminal.confirm('sure?', { must: true })).rejects.toMatchObject({ code: 'confirmation_needed' });
    expect(await terminal.confirmAnywhere('sure?')).toBe(false);
    const { terminal: agreeing } = await terminalOf(['x', '--yes']);
    expect(await agreeing.confirm('sure?')).toBe(true);
    expect(await agreeing.confirmAnywhere('sure?')).toBe(true);
    const { terminal: asking } = await terminalOf(['x'], {}, 'y\n');
    expect(await asking.confirm('sure?')).toBe(true);
  });
});

describe('point 39: tables fit the terminal', () => {
  it('and one that reports a width of zero counts as 80 columns', async () => {
    expect((await terminalOf([], { columns: 0, rows: 0 })).terminal).toMatchObject({ columns: 80 });
    expect((await terminalOf([], { columns: 0, rows: 0 })).terminal.errorSize()).toEqual({ columns: 80, rows: 24 });
    expect((await terminalOf([], { columns: 120, rows: 50 })).terminal).toMatchObject({ columns: 120 });
  });
});

describe('points 4 and 5: help', () => {
  it('is short by -h and long by --help, everywhere but where -h is --host of MLflow, which it says', async () => {
    const long = await commandLine('/', ['push', '--help']);
    const short = await commandLine('/', ['push', '-h']);
    expect([long.status, short.status]).toEqual([0, 0]);
    expect(short.stdout.length).toBeLessThan(long.stdout.length);
    expect(short.stdout).toContain('--remote');
    expect((await commandLine('/', ['help', 'push'])).stdout).toBe(long.stdout);
    for (const { commands } of await loadCommands()) {
      for (const command of commands) {
        const host = command.flags?.some(({ short: letter }) => letter === 'h') === true;
        expect(host, command.name).toBe(
          /^(server|ui|models serve)/.test(command.name) && command.flags?.some(({ name }) => name === 'host') === true,
        );
        if (!host) expect((await commandLine('/', [...command.name.split(' '), '-h'])).status, command.name).toBe(0);
      }
    }
    expect((await commandLine('/', ['server', '-h'])).stderr).toContain(
      '-h is --host here, as in MLflow; --help is help',
    );
    expect((await commandLine('/', ['server', '--help'])).stdout).toContain('-h is --host here');
  });
});

describe('point 8: nouns', () => {
  it('are plural, and taken in the other number and by what other tools call the act', async () => {
    for (const words of [
      ['model', 'ls'],
      ['models', 'list'],
      ['experiment', 'describe'],
      ['remotes', 'list'],
      ['models', 'rm'],
    ]) {
      const said = await commandLine('/', [...words, '--help']);
      expect(said.status, words.join(' ')).toBe(0);
      expect(said.stdout, words.join(' ')).toContain('Usage');
    }
    expect((await commandLine('/', ['runs', 'get', '--help'])).stdout).toContain('mlops runs show');
    expect((await commandLine('/', ['models', 'nonsense'])).status).toBe(2);
  });
});

describe('point 9: one meaning per letter', () => {
  it('holds for the verbs that are ours alone', async () => {
    const letters = new Map<string, string>();
    const foreign = new Set(['experiments create', 'models serve']);
    // How many, of whatever it is.
    const counts = new Set(['limit', 'trials']);
    for (const { commands } of await loadCommands()) {
      for (const { name, owner, flags } of commands) {
        if (owner !== 'mlops' || foreign.has(name)) continue;
        for (const flag of flags ?? []) {
          if (flag.short === undefined || (flag.short === 'n' && counts.has(flag.name))) continue;
          expect(`-${flag.short} --${letters.get(flag.short) ?? flag.name}`, name).toBe(
            `-${flag.short} --${flag.name}`,
          );
          letters.set(flag.short, flag.name);
        }
      }
    }
    expect(letters.size).toBeGreaterThan(5);
  });
});

describe('point 11: --json with --fields and --jq', () => {
  const choose = async (choice: readonly string[], words: readonly string[] = ['docs']) =>
    commandLine('/', [...words, ...choice]);

  it('choose fields, also of what lies in the only list', async () => {
    const rows = JSON.parse((await choose(['--fields', 'name,summary'])).stdout) as object[];
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) expect(Object.keys(row)).toEqual(['name', 'summary']);
    expect(selectJson({ runs: [{ a: { b: 1 }, 'x.y': 2, c: 3 }], token: '' }, { fields: 'a.b,x.y' })).toEqual([
      { runs: [{ 'a.b': 1, 'x.y': 2 }] },
    ]);
    const wrong = await choose(['--fields', 'nme']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain("did you mean 'name'?");
  });

  it('go along paths as jq does', async () => {
    const names = (await choose(['--jq', '.[].name'])).stdout.trim().split('\n');
    expect(names).toContain('serving');
    const value = { a: [{ b: 'x', 'c d': [1, 2] }, { b: null }], n: { k: true } };
    const cases: readonly [string, unknown[]][] = [
      ['.', [value]],
      ['.a[0].b', ['x']],
      ['.a[-1].b', [null]],
      ['.a[7].b', [null]],
      ['.a | length', [2]],
      ['.a[0]."c d"[1]', [2]],
      ['.a[0]["c d"] | .[0]', [1]],
      ['.a[].b', ['x', null]],
      ['. | .n | keys', [['k']]],
      ['.absent.deeper', [null]],
      ['.a[0].b.z?', []],
      ['.n[]', [true]],
    ];
    for (const [jq, expected] of cases) expect(selectJson(value, { jq }), jq).toEqual(expected);
    for (const jq of ['a', '.a[', '.a b', '..a', '.a[0].b.z', '.a.b', 'map(.x)', '.["x]'])
      expect(() => selectJson(value, { jq }), jq).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it("work for DVC's verbs, whose JSON Python writes", async () => {
    const repo = await openProjectWith({
      'dvc.yaml': 'stages: {}\nmetrics: [m.json]\n',
      'm.json': '{"a": NaN, "b": {"c": 2}}',
    });
    repo.close();
    const show = await commandLine(repo.root, ['metrics', 'show', '--jq', '.[""].data["m.json"].data.b.c']);
    expect(show).toMatchObject({ status: 0, stdout: '2\n' });
    expect((await commandLine(repo.root, ['status', '--jq', 'length'])).stdout).toBe('0\n');
  });

  it('are there wherever --json is, and --json is on all that reads', async () => {
    const acts =
      /(?:^| )(?:list|show|search|compare|history|status|why|diff|stats|performance|dag|doctor|docs|explain|version|du|check-ignore|list-url)$/;
    for (const { commands } of await loadCommands()) {
      for (const command of commands) {
        if (acts.test(command.name)) expect(hasJson(command), command.name).toBe(true);
        if (hasJson(command))
          expect(
            allFlags(command).map(({ name }) => name),
            command.name,
          ).toEqual(expect.arrayContaining(['fields', 'jq']));
      }
    }
  });
});

describe('points 22 to 24: errors', () => {
  it('say what, what next, the code, and how to read about it, but nothing of ours as dvc', async () => {
    const folder = temporaryFolder();
    const said = (await commandLine(folder, ['status'])).stderr;
    expect(said).toMatch(/^ERROR: .*\n(?:.*\n)*hint: `mlops explain not_a_project` tells more\n$/);
    expect(said).not.toMatch(/^ +at .*\.[jt]s/m);
    const asDvc = (await commandLine(folder, ['push'], { asDvc: true })).stderr;
    expect(asDvc).not.toMatch(/mlops/);
    const wrong = (await commandLine(folder, ['add', '--nonsense'], { asDvc: true })).stderr;
    expect(wrong).toContain('`dvc add --help`');
  });

  it('of ours are a file to send, without stack on the screen and without secrets', () => {
    const env = { HOME: '/home/me', API_TOKEN: 'tok-123456', OTHER: 'value-123' };
    const error = new TypeError('no x of tok-123456 at http://me:pw@host/x in /home/me/p, value-123');
    const report = bugReport(error, 'push', env);
    expect(report.body).toContain('Command: mlops push');
    expect(report.body).toContain('TypeError: no x of *** at http://***@host/x in ~/p, value-123');
    expect(report.body).toMatch(/\n {4}at /);
    expect(issueAddress(report, undefined)).toBeUndefined();
    const address = new URL(issueAddress(report, 'https://tracker.example/issues') ?? '');
    expect(address.pathname).toBe('/issues/new');
    expect(address.searchParams.get('title')).toContain('TypeError');
    const file = writeReport(report);
    expect(fs.readFileSync(file ?? '', 'utf8')).toContain(report.body);
    fs.rmSync(path.dirname(file ?? ''), { recursive: true });
  });

  it('tell what to do instead of verbs and flags of other tools that are not here', async () => {
    const lines: readonly (readonly [readonly string[], RegExp])[] = [
      [['exp', 'push'], /exp branch NAME BRANCH/],
      [['experiments', 'pull', 'origin'], /mlops pull/],
      [['queue', 'start'], /exp run/],
      [['studio', 'login'], /mlops ui/],
      [['exp', 'run', '--temp'], /git worktree/],
      [['exp', 'run', '--queue'], /one after the other/],
      [['add', '--cprofile', 'x'], /cpu-prof/],
      [['migrate-filestore'], /migrate mlflow/],
    ];
    for (const [words, hint] of lines) {
      const said = await commandLine('/', words);
      expect(said.status, words.join(' ')).not.toBe(0);
      expect(said.stderr, words.join(' ')).toMatch(hint);
      expect(said.stderr, words.join(' ')).toContain('mlops has not');
    }
  });
});

describe('points 1 to 3 and 6: the first words', () => {
  it('are five commands without arguments, help by task, and examples first', async () => {
    const bare = await commandLine('/', []);
    expect(bare.status).toBe(0);
    expect(bare.stdout.split('\n').filter((line) => /^ {2}\S/.test(line))).toHaveLength(5);
    const help = (await commandLine('/', ['--help'])).stdout;
    const order = [
      'Start a project',
      'Version data',
      'Run pipelines',
      'Track and register',
      'Serve and monitor',
      'More',
    ];
    const places = order.map((title) => help.indexOf(`\n${title}\n`));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    const push = (await commandLine('/', ['push', '--help'])).stdout;
    expect(push.indexOf('Examples')).toBeLessThan(push.indexOf('Usage'));
    expect((await commandLine('/', ['serv'])).stderr).toMatch(/did you mean 'serve(?:r)?'/);
  });
});

describe('points 10, 13 and 17: words, streams, colours', () => {
  it('flags stand in any order, -- ends them, data goes to stdout and talk to stderr', async () => {
    const folder = temporaryFolder();
    const one = await commandLine(folder, ['docs', '--jq', '.[0].name', '--json']);
    expect(await commandLine(folder, ['docs', '--json', '--jq', '.[0].name'])).toEqual(one);
    const run = await commandLine(folder, ['run', '--', 'sh', '-c', 'echo $0', '--help']);
    expect(run.stdout).toBe('--help\n');
    expect(run.stderr).toContain('finished');
  });

  it('has no colour in a pipe, with NO_COLOR and with TERM=dumb, and one with --color=always', async () => {
    const escape = String.fromCharCode(27);
    const help = async (words: string[], env: Record<string, string> = {}) =>
      (await commandLine('/', [...words, 'push', '--help'], { env })).stdout.includes(escape);
    expect(await help([])).toBe(false);
    expect(await help(['--color=always'])).toBe(true);
    expect(await help(['--no-color'], { FORCE_COLOR: '1' })).toBe(false);
    expect(await help([], { FORCE_COLOR: '1' })).toBe(true);
    expect(await help([], { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
  });
});

describe('points 15 and 21: exit statuses and the end', () => {
  it('are those that the help lists, and repro says how much it did', { timeout: 60_000 }, async () => {
    const repo = await openProjectWith({ 'dvc.yaml': 'stages:\n  a:\n    cmd: echo 1 > a\n    outs: [a]\n' });
    repo.close();
    const said = await commandLine(repo.root, ['repro', '--no-record']);
    expect(said.stderr).toMatch(/1 stage ran, 0 from the cache, 0 unchanged, in /);
    await commandLine(repo.root, ['remote', 'add', '-d', 'far', 's3://b/x']);
    await commandLine(repo.root, ['remote', 'modify', 'far', 'endpointurl', 'http://127.0.0.1:9']);
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    const push = await commandLine(repo.root, ['push'], { env });
    const help = (await commandLine('/', ['push', '--help'])).stdout;
    expect(help).toContain(`${push.status} the remote cannot be reached`);
    expect((await commandLine('/', ['docs', '--nonsense'])).status).toBe(2);
  });
});

describe('points 26 and 28: configuration', () => {
  it('is shown with the file that each value is from', async () => {
    const repo = await openProjectWith();
    repo.close();
    await commandLine(repo.root, ['config', '--local', 'core.autostage', 'true']);
    const origins = (await commandLine(repo.root, ['config', '-l', '--show-origin'])).stdout;
    expect(origins).toMatch(/config\.local\tcore\.autostage=true/);
  });
});

describe('runs export', () => {
  it('writes every run as a row or as a line of JSON', async () => {
    const folder = temporaryFolder();
    await commandLine(folder, ['run', '--name', 'one, "quoted"', 'true']);
    await commandLine(folder, ['log', 'metric', 'loss=0.5', '--run', 'latest']);
    await commandLine(folder, ['log', 'param', 'text=a,b', '--run', 'latest']);
    expect(await commandLine(folder, ['runs', 'export', '-o', 'runs.csv'])).toMatchObject({ status: 0 });
    const [header = '', row = ''] = fs.readFileSync(path.join(folder, 'runs.csv'), 'utf8').split('\r\n');
    expect(header).toMatch(/^run_id,experiment_id,run_name,status,start_time,end_time,artifact_uri,/);
    expect(header).toMatch(/,metrics\.loss,.*,?params\.text,/);
    expect(row).toContain('"one, ""quoted""",FINISHED,20');
    expect(row).toContain('"a,b"');
    const lines = (await commandLine(folder, ['runs', 'export', '--format', 'jsonl'])).stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ info: { status: 'FINISHED' } });
  });
});

// Elsewhere: 12 and 14 test/json-output.test.ts; 16 test/interrupted.test.ts; 19 src/cli/tables/show.test.ts;
// 20 src/cli/terminal/stage-output.test.ts; 22 to 24 also test/hints.test.ts; 36, 37 and 40 test/package.test.ts;
// 38 test/startup.test.ts.

describe('point 7: what was meant', () => {
  it('is said of stages, config keys, remote options, keys of YAML, metrics and thresholds', async () => {
    const repo = await openProjectWith({ 'm.bin': 'x' });
    repo.close();
    const at = async (...words: string[]) => (await commandLine(repo.root, words)).stderr;
    await at('run', '--name', 'one', 'true');
    await at('log', 'metric', 'accuracy=0.8', '--run', 'one');
    await at('models', 'register', 'm.bin', '--name', 'digits');
    expect(await at('models', 'promote', 'digits', '1', '--stage', 'Prodction')).toContain(
      "did you mean 'Production'?",
    );
    expect(await at('models', 'show', 'digits', 'Prodction')).toContain("did you mean 'Production'?");
    const promote = ['models', 'promote', 'digits', '1', '--stage', 'Staging', '--require'];
    expect(await at(...promote, 'accuracy>>0.9')).toContain("write 'accuracy>=0.9'");
    expect(await at(...promote, 'loss=<0.9')).toContain("write 'loss<=0.9'");
    expect(await at('runs', 'search', 'accuracy > 0.9')).toContain('did you mean metrics.accuracy');
    expect(await at('runs', 'search', 'star_time > 1')).toContain("did you mean 'start_time'?");
    expect(await at('config', 'core.autostag', 'true')).toContain("did you mean 'autostage'?");
    expect(await at('config', 'cor.autostage', 'true')).toContain("did you mean 'core'?");
    await at('remote', 'add', 'far', 's3://b/x');
    expect(await at('remote', 'modify', 'far', 'endpointur', 'x')).toContain("did you mean 'endpointurl'?");
    fs.writeFileSync(path.join(repo.root, 'dvc.yaml'), 'stages:\n  a:\n    cmd: echo\n    dep: [x]\n');
    expect(await at('repro')).toContain("did you mean 'deps'?");
    fs.writeFileSync(path.join(repo.root, 'dvc.yaml'), 'stages:\n  train:\n    cmd: echo\n');
    fs.writeFileSync(path.join(repo.root, 'mlops.yaml'), 'record:\n  enabld: true\n');
    expect(await at('repro')).toContain("did you mean 'enabled'?");
    fs.rmSync(path.join(repo.root, 'mlops.yaml'));
    expect(await at('repro', 'trian')).toContain('train');
    expect(await at('push', '--remot', 'x', '--jobz')).toContain('--jobs');
  });
});

describe('point 25: -v and -vv', () => {
  it('tell of files and bytes, then of requests, with times and without secrets', async () => {
    const repo = await openProjectWith({ 'data/a.txt': 'aaa', 'data/b.txt': 'b' });
    repo.close();
    const add = await commandLine(repo.root, ['add', 'data', '-v']);
    expect(add.stderr).toMatch(/info: hashing: 2 files, 4 B in /);
    const server = http.createServer((_, answer) => answer.writeHead(403).end());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await commandLine(repo.root, ['remote', 'add', '-d', 'web', `http://127.0.0.1:${port}/x?token=hush`]);
    const pull = await commandLine(repo.root, ['fetch', '-vv'], { env: { PATH: process.env['PATH'] ?? '' } });
    server.close();
    expect(pull.stderr).not.toContain('hush');
    const get = await commandLine(repo.root, ['get-url', `http://127.0.0.1:${port}/file?key=hush`, '-vv']);
    expect(get.stderr).toMatch(new RegExp(`debug: \\w+ http://127\\.0\\.0\\.1:${port}/file .* in `));
    expect(
      get.stderr
        .split('\n')
        .filter((line) => line.startsWith('debug'))
        .join(),
    ).not.toContain('hush');
  });
});

describe('installing', () => {
  it('finds the headers of this Node, and says by name what is missing', async () => {
    const { nodeHeaders, whyNot } = (await import(path.join(root, 'scripts/first-run.mjs'))) as {
      nodeHeaders: (places: string[]) => string | undefined;
      whyNot: (has: (program: string) => boolean) => string;
    };
    const folder = temporaryFolder();
    const [major, minor, patch] = process.versions.node.split('.');
    const write = (number: string | undefined): void => {
      fs.mkdirSync(path.join(folder, 'include/node'), { recursive: true });
      const text = `#define NODE_MAJOR_VERSION ${major}\n#define NODE_MINOR_VERSION ${minor}\n#define NODE_PATCH_VERSION ${number}\n`;
      fs.writeFileSync(path.join(folder, 'include/node/node_version.h'), text);
    };
    expect(nodeHeaders([folder])).toBeUndefined();
    write(patch);
    expect(nodeHeaders(['/nowhere', folder])).toBe(folder);
    write('999');
    expect(nodeHeaders([folder])).toBeUndefined();
    expect(whyNot(() => false)).toMatch(/missing for that: Python 3, make, a C\+\+ compiler/);
    expect(whyNot((program) => program !== 'make')).toMatch(/missing for that: make|all that it needs/);
  });
});

describe('point 27: an environment variable for every flag', () => {
  it('by rule, behind the flag and before the default', async () => {
    const topics = async (env: Record<string, string>, ...words: string[]) =>
      (await commandLine('/', ['docs', ...words], { env })).stdout;
    expect(await topics({ MLOPS_DOCS_JSON: '1' })).toMatch(/^\[/);
    expect(await topics({ MLOPS_DOCS_JSON: 'off' })).toMatch(/^readme/);
    expect(await topics({ MLOPS_DOCS_JQ: '.[0].name' })).toBe('readme\n');
    expect(await topics({ MLOPS_DOCS_JQ: '.[0].name' }, '--jq', '.[1].name')).not.toBe('readme\n');
    const bad = await commandLine('/', ['docs'], { env: { MLOPS_DOCS_JSON: 'perhaps' } });
    expect(bad.status).toBe(2);
    expect(bad.stderr).toContain('MLOPS_DOCS_JSON');
    const names = (await loadCommands()).flatMap(({ commands }) =>
      commands.flatMap((command) => allFlags(command).map((flag) => envName(command, flag))),
    );
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('MLOPS_SERVE_PORT');
    expect(names.filter((name) => !/^MLOPS_[A-Z0-9_]+$/.test(name))).toEqual([]);
  });

  it('and for those of every command', () => {
    expect(
      readGlobalFlags(['x'], { MLOPS_YES: '1', MLOPS_VERBOSE: '2', MLOPS_CD: '/tmp', MLOPS_NO_PAGER: 'true' }),
    ).toMatchObject({
      yes: true,
      verbosity: 2,
      cd: '/tmp',
      noPager: true,
      quiet: false,
    });
    expect(readGlobalFlags(['x', '-v'], { MLOPS_QUIET: '1', MLOPS_NO_INPUT: '0' })).toMatchObject({
      quiet: false,
      verbosity: 1,
      noInput: false,
    });
  });
});

describe('point 29: --dry-run', () => {
  it('is spelled --dry, too, and the other way round', async () => {
    for (const { commands } of await loadCommands()) {
      for (const command of commands) {
        const names = allFlags(command).flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
        if (names.includes('dry') || names.includes('dry-run'))
          expect(names, command.name).toEqual(expect.arrayContaining(['dry', 'dry-run']));
      }
    }
  });
});

describe('point 18: in CI', () => {
  it('stages are groups of the log on GitHub, a failure is an annotation', async () => {
    const repo = await openProjectWith({
      'dvc.yaml': 'stages:\n  a:\n    cmd: echo hi\n  b:\n    cmd: exit 3\n',
    });
    repo.close();
    const said = await commandLine(repo.root, ['repro', '--no-record', '-k'], { env: { GITHUB_ACTIONS: 'true' } });
    expect(said.stderr).toMatch(/^::group::a\n::endgroup::\n::group::b\n(?:.*\n)*::endgroup::\n::error::.+\n/m);
    expect(said.stdout).not.toContain('::');
    const plain = await commandLine(repo.root, ['repro', '--no-record', '-f', '-k']);
    expect(plain.stderr).not.toContain('::group');
  });
});

describe('point 31: dangerous acts', () => {
  it('ask for the name of what has much in it', async () => {
    const { terminal, stderr } = await terminalOf(['x'], {}, 'y\n');
    expect(await terminal.confirm('delete digits with 3 versions?', { must: true, name: 'digits' })).toBe(false);
    expect(String(stderr.read())).toContain('Type digits to say yes');
    const { terminal: typed } = await terminalOf(['x'], {}, 'digits\n');
    expect(await typed.confirm('delete?', { name: 'digits' })).toBe(true);
  });
});

describe('point 32: secrets', () => {
  it('come from a file, the environment or a prompt, and are not shown', async () => {
    const repo = await openProjectWith({ 'key.txt': 'from-file\n' });
    repo.close();
    const set = (...words: string[]) =>
      commandLine(repo.root, ['remote', 'modify', '--local', 'far', ...words], { env: { MY_KEY: 'from-env' } });
    expect((await commandLine(repo.root, ['remote', 'add', 'far', 's3://b/x'])).status).toBe(0);
    expect(await set('secret_access_key', '--value-file', 'key.txt')).toMatchObject({ status: 0 });
    expect(await set('session_token', '--value-env', 'MY_KEY')).toMatchObject({ status: 0 });
    const config = fs.readFileSync(path.join(repo.root, '.dvc/config.local'), 'utf8');
    expect(config).toContain('secret_access_key = from-file\n');
    expect(config).toContain('session_token = from-env\n');
    expect((await commandLine(repo.root, ['config', '-l'])).stdout).not.toMatch(/from-/);
    expect((await set('password', '--value-env', 'NONE')).stderr).toContain('NONE is not set');
    expect((await set('password', '--value-prompt')).stderr).toContain('--value-stdin');
    const { terminal, stdout, stderr } = await terminalOf(['x'], {}, 'hush\n');
    expect(await terminal.askSecret('password')).toBe('hush');
    expect(`${String(stdout.read())}${String(stderr.read())}`).not.toContain('hush');
  });
});

describe('point 33: completion', () => {
  it('offers what there is: stages, params, revisions, remotes, models, versions, runs', async () => {
    const repo = await openProjectWith({
      'dvc.yaml': 'stages:\n  prepare:\n    cmd: echo\n',
      'params.yaml': 'train:\n  lr: 0.1\n  epochs: 2\n',
      'm.bin': 'x',
    });
    repo.close();
    const at = async (...words: string[]) =>
      (await commandLine(repo.root, ['__complete', '--', ...words])).stdout.split('\n').filter((line) => line !== '');
    await commandLine(repo.root, ['remote', 'add', 'far', '/tmp/far']);
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'x', '--allow-empty'], {
      cwd: repo.root,
    });
    execFileSync('git', ['tag', 'v1'], { cwd: repo.root });
    expect((await commandLine(repo.root, ['run', '--name', 'first', 'true'])).status).toBe(0);
    const registered = await commandLine(repo.root, ['models', 'register', 'm.bin', '--name', 'digits']);
    expect(registered.status, registered.stderr).toBe(0);
    expect(await at('repro', 'pre')).toEqual(['prepare']);
    expect(await at('exp', 'run', '-S', 'train.l')).toEqual(['train.lr=']);
    expect(await at('get', 'x', 'y', '--rev', 'v')).toEqual(['v1']);
    expect(await at('push', '-r', '')).toEqual(['far']);
    expect(await at('models', 'show', 'd')).toEqual(['digits']);
    expect(await at('model', 'show', 'digits', '')).toEqual(['latest', 'Production', 'Staging', '1']);
    expect(await at('runs', 'show', 'fi')).toEqual(['first']);
    expect(await at('init', '-t', 'dig')).toEqual(['digits']);
    expect(await at('plots', 'templates', 'lin')).toEqual(['linear']);
    expect(await at('docs', 'serv')).toEqual(['serving']);
    expect(await at('--no-i')).toEqual(['--no-input']);
    for (const shell of ['bash', 'zsh', 'fish', 'powershell'])
      expect((await commandLine('/', ['completion', shell])).stdout).toContain('mlops __complete');
  });
});

describe('point 34: manual pages', () => {
  it('come from the same table', async () => {
    const page = (await commandLine('/', ['man', 'models', 'promote'])).stdout;
    expect(page).toMatch(/^\.TH "MLOPS\\-MODELS\\-PROMOTE" 1 /);
    expect(page).toContain('\\-\\-better\\-than SELECTOR');
    expect(page).toContain('MLOPS_MODELS_PROMOTE_STAGE');
    for (const { commands } of await loadCommands()) {
      for (const command of commands) {
        const lines = manPage(command).split('\n');
        expect(
          lines.filter((line) => /^['.]/.test(line) && !/^\.(TH|SH|TP|B|BR|PP|br)\b/.test(line)),
          command.name,
        ).toEqual([]);
      }
    }
    expect((await commandLine('/', ['man'])).stdout).toContain('.B mlops push');
    expect((await commandLine('/', ['man', 'pusj'])).stderr).toContain("did you mean 'push'?");
  });
});

describe('point 35: doctor', () => {
  it('is a command of its own in the help, and says what it looked at', async () => {
    expect((await commandLine('/', ['--help'])).stdout).toMatch(/^ {2}doctor +Look for what is wrong/m);
    const folder = temporaryFolder();
    const said = await commandLine(folder, ['doctor']);
    expect(said.status).toBe(0);
    expect(said.stderr).toMatch(/^ok {2}Node\.js +v/m);
    const { checks } = JSON.parse((await commandLine(folder, ['doctor', '--json'])).stdout) as {
      checks: { name: string }[];
    };
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Node.js', 'Git', 'SQLite', 'Python', 'port 5000', 'port 5001', 'tracking']),
    );
    const dvc = await commandLine(folder, ['doctor'], { asDvc: true });
    expect(dvc.stdout).toMatch(/^DVC version/);
    expect(dvc.stderr).not.toContain('port');
  });
});

describe('point 37: the first run', () => {
  it("makes the folder that templates of one's own go to", async () => {
    const folder = temporaryFolder();
    expect((await commandLine(folder, ['init', '--no-scm', '-q'])).status).toBe(0);
    expect(fs.statSync(path.join(folder, '.dvc/plots')).isDirectory()).toBe(true);
  });
});
