import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { cleanEnv, mlops, mlopsBin, temporaryFolder } from './cli.ts';

/** What a stranger committed: a text, a link, or an object of the remote by its content. */
type Tracked = string | { readonly link: string };

interface Clone {
  /** The folder that holds the clone, its origin, its remote and the user's home. */
  readonly base: string;
  readonly work: string;
  readonly home: string;
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

function write(root: string, files: Readonly<Record<string, Tracked>>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    if (typeof content === 'string') fs.writeFileSync(file, content);
    else fs.symlinkSync(content.link, file);
  }
}

/** A fresh clone of a repository with these files, whose remote is `../remote`. */
function cloneOf(files: Readonly<Record<string, Tracked>>): Clone {
  const base = temporaryFolder('mlops-hostile-');
  const origin = path.join(base, 'origin');
  write(origin, { '.dvc/config': `[core]\n    remote = r\n['remote "r"']\n    url = ${base}/remote\n`, ...files });
  write(base, { 'home/diary.txt': 'years', 'home/.profile': 'mine' });
  git(origin, 'init', '-q', '-b', 'main');
  git(origin, 'add', '-Af', '.');
  git(origin, 'commit', '-qm', 'x');
  const work = path.join(base, 'work');
  git(base, 'clone', '-q', origin, work);
  return { base, work, home: path.join(base, 'home') };
}

/** Puts an object into the remote. @returns its id. */
function object({ base }: { readonly base: string }, content: string, suffix = ''): string {
  const md5 = createHash('md5').update(content).digest('hex');
  write(base, { [`remote/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}${suffix}`]: content });
  return md5 + suffix;
}

const evil = 'evil';
const evilMd5 = createHash('md5').update(evil).digest('hex');
const out = (file: string, md5 = evilMd5, more = ''): string =>
  `${more}outs:\n- md5: ${md5}\n  hash: md5\n  path: ${file}\n`;

/** Everything in a folder but the caches that a tool makes in the user's home. */
function state(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.cache') && !name.includes('site'))
    .map((name) => {
      const file = path.join(folder, name);
      return fs.lstatSync(file).isFile() ? `${name}: ${fs.readFileSync(file, 'latin1')}` : name;
    })
    .sort();
}

/** Git's own files but the index, which Git refreshes. */
const gitState = (work: string): string[] => state(path.join(work, '.git')).filter((line) => !line.startsWith('index'));

describe('private state that came by Git', () => {
  const note = JSON.stringify({
    outs: ['../home/diary.txt', '.git/hooks/post-checkout'],
    moved: [{ from: '../home/diary.txt', to: 'a' }],
  });

  it.each([
    ['status', { '.mlops/aside/x/moved.json': note, '.mlops/aside/x/0': 'evil', a: 'evil' }],
    ['repro --dry', { '.mlops/aside/x/moved.json': note, '.mlops/aside/x/0': 'evil', 'dvc.yaml': 'stages: {}' }],
    ['pull', { '.mlops/tmp': { link: '../../home' } }],
    ['checkout', { '.mlops/index.sqlite': 'x' }],
    ['runs list', { '.mlops/mlops.db': 'x' }],
    ['auth key list', { '.mlops/keys.json': '{"version":1,"keys":[]}' }],
    ['exp show', { '.mlops/running/1.json': '{}' }],
    ['data status', { '.mlops': { link: '../home' } }],
    ['fetch', { '.dvc/tmp': { link: '../../home' } }],
    ['status', { '.dvc/tmp/lock': { link: '../../../home/diary.txt' } }],
    ['commit -f', { '.dvc/tmp/rwlock': { link: '../../../home/diary.txt' } }],
    ['gc -w -f', { '.dvc/cache': { link: '../../home' } }],
  ] as const)('is refused by `%s`', (command, files) => {
    const { work, home } = cloneOf(files);
    const before = [state(home), gitState(work)];
    const result = mlops(work, command.split(' '));
    expect(result.stderr).toMatch(/came with the repository|is a link/);
    expect(result.status).not.toBe(0);
    expect([state(home), gitState(work)]).toEqual(before);
  });

  it('in an unpacked archive moves nothing but outputs, and ends nothing', () => {
    const { work, home } = cloneOf({ 'a.dvc': out('data') });
    fs.rmSync(path.join(work, '.git'), { recursive: true });
    write(work, {
      '.mlops/aside/x/moved.json': JSON.stringify({ outs: ['../home/diary.txt', '.dvc/config', 'other', 'data'] }),
      ...Object.fromEntries(['0', '1', '2', '3'].map((name) => [`.mlops/aside/x/${name}`, 'aside'])),
      other: 'mine',
      data: 'half',
    });
    const sleeper = spawn('sleep', ['60'], { detached: true });
    onTestFinished(() => void sleeper.kill('SIGKILL'));
    const id = `${sleeper.pid}:1:00000000-0000-0000-0000-000000000000`;
    const commands = [
      { stage: 's', executor: 'local', id, group: sleeper.pid },
      { stage: 's', executor: 'local', id: `${sleeper.pid}:` },
    ];
    write(work, {
      '.mlops/running/1.json': JSON.stringify({ pid: 4_000_000, commands }),
      'dvc.yaml': 'stages:\n  s:\n    cmd: "true"\n',
    });
    const before = state(home);
    mlops(work, ['status']);
    mlops(work, ['repro', 's']);
    expect(state(home)).toEqual(before);
    expect(
      ['other', 'data', '.dvc/config'].map((name) => fs.readFileSync(path.join(work, name), 'utf8').slice(0, 5)),
    ).toEqual(['mine', 'aside', '[core']);
    expect(sleeper.exitCode ?? sleeper.signalCode).toBeNull();
  });

  it('is looked at in less than a millisecond', () => {
    const { work } = cloneOf({ a: 'a' });
    mlops(work, ['add', 'a']);
    const entries = Array.from({ length: 20_000 }, (_, i) => `100644 ${'1'.repeat(40)}\tdata/some-folder/${i}.txt`);
    execFileSync('git', ['update-index', '--index-info'], { cwd: work, input: `${entries.join('\n')}\n` });
    const script = `import { requireTrusted } from ${JSON.stringify(path.join(import.meta.dirname, '../src/trust/index.ts'))};
      const times = []; for (let i = 1; i < 60; i++) { const at = performance.now(); requireTrusted(${JSON.stringify(work)} + '/' + './'.repeat(i)); times.push(performance.now() - at); }
      console.log(times.sort((a, b) => a - b)[20]);`;
    const bundle = path.join(path.dirname(work), 'bench.mjs');
    const build = { input: script, cwd: path.join(import.meta.dirname, '..') };
    execFileSync(
      'node_modules/.bin/esbuild',
      ['--bundle', '--platform=node', '--format=esm', `--outfile=${bundle}`, '--log-level=error'],
      build,
    );
    expect(Number(execFileSync(process.execPath, [bundle], { encoding: 'utf8' }))).toBeLessThan(1);
  });
});

describe('outputs in forbidden places', () => {
  const verbs = [
    'pull',
    'checkout',
    'fetch',
    'status',
    'commit -f',
    'repro',
    'update x.dvc',
    'remove x.dvc --outs',
    'data status',
    'gc -w -f',
  ];
  const places: [string, Readonly<Record<string, Tracked>>][] = [
    ['.git/hooks/post-checkout', { 'x.dvc': out('.git/hooks/post-checkout') }],
    ['../.git/info/attributes from a folder', { 'sub/x.dvc': out('../.git/info/attributes') }],
    ['wdir', { 'x.dvc': out('post-merge', evilMd5, 'wdir: .git/hooks\n') }],
    ['another case', { 'x.dvc': out('.GIT/hooks/x') }],
    ['.dvc/config.local', { 'x.dvc': out('.dvc/config.local') }],
    ['.mlops/keys.json', { 'x.dvc': out('.mlops/keys.json') }],
    ['a folder .git of a folder', { 'x.dvc': out('sub/.git') }],
    ['a stage', { 'dvc.yaml': 'stages:\n  s:\n    cmd: echo\n    outs: [.git/hooks/x]\n' }],
    ['a template', { 'dvc.yaml': 'vars: [{p: .git}]\nstages:\n  s:\n    cmd: echo\n    outs: ["${p}/hooks/x"]\n' }],
    ['a link to the home', { link: { link: '../home' }, 'x.dvc': out('link/evil') }],
    ['a link to hooks', { link: { link: '.git/hooks' }, 'x.dvc': out('link/evil') }],
    ['a link deep inside', { 'a/b/link': { link: '../../../home' }, 'x.dvc': out('a/b/link/c/evil') }],
  ];
  it.each(places)('are not written: %s', (_, files) => {
    const clone = cloneOf(files);
    object(clone, evil);
    const before = [state(clone.home), gitState(clone.work)];
    for (const command of verbs) mlops(clone.work, command.split(' '));
    const result = mlops(clone.work, ['pull', '--force']);
    expect([state(clone.home), gitState(clone.work)]).toEqual(before);
    expect(result.stderr, result.stdout).toMatch(
      /no output may lie at|symbolic link that Git tracks|is ignored by :\.git/,
    );
    expect(fs.readFileSync(path.join(clone.work, '.dvc/config'), 'utf8')).toContain('[core]');
    expect(fs.existsSync(path.join(clone.work, '.dvc/config.local'))).toBe(false);
  });

  it.each([
    '.git/config',
    '.git',
    'a/.GIT/x',
    '.dvc/config.local',
    '.mlops/keys.json',
    '../x',
    'a/../../x',
    '/etc/x',
    'git~1/config',
    '',
    '.',
  ])('are not made of manifests that name %j', (relpath) => {
    const clone = cloneOf({});
    const md5 = object(clone, evil);
    const manifest = object(
      clone,
      JSON.stringify([
        { md5, relpath: 'ok' },
        { md5, relpath },
      ]),
      '.dir',
    );
    write(clone.work, { 'data.dvc': out('data', manifest) });
    const before = state(clone.home);
    const result = mlops(clone.work, ['pull']);
    expect(result.status).not.toBe(0);
    expect(fs.existsSync(path.join(clone.work, 'data'))).toBe(false);
    expect(state(clone.home)).toEqual(before);
  });

  it('are not written through a link inside of an output, nor deleted behind a link in its place', () => {
    const clone = cloneOf({ 'data/sub': { link: '../../home' }, whole: { link: '../home' } });
    const md5 = object(clone, evil);
    const manifest = object(clone, JSON.stringify([{ md5, relpath: 'sub/evil' }]), '.dir');
    write(clone.work, { 'data.dvc': out('data', manifest), 'whole.dvc': out('whole', manifest) });
    const before = state(clone.home);
    for (const args of [
      ['pull', '--force', 'data.dvc'],
      ['pull', '--force', 'whole.dvc'],
      ['remove', '--outs', 'whole.dvc'],
    ]) {
      expect(mlops(clone.work, args).status, args.join(' ')).not.toBe(0);
      expect(state(clone.home), args.join(' ')).toEqual(before);
    }
  });

  it('are not named by digests that are paths', () => {
    const clone = cloneOf({ 'x.dvc': out('x', '../../../../../home/diary.txt') });
    for (const args of [['pull'], ['push'], ['checkout'], ['fetch']])
      expect(mlops(clone.work, args).stderr).toContain('is no digest');
    expect(fs.existsSync(path.join(clone.work, 'x'))).toBe(false);
    expect(fs.existsSync(path.join(clone.base, 'remote'))).toBe(false);
  });

  it('are not made by imports outside of the project, when these are fetched or updated', () => {
    const { base, work, home } = cloneOf({});
    write(base, { 'source.txt': evil });
    const dvc = `frozen: true\ndeps:\n- path: ${base}/source.txt\n  md5: ${evilMd5}\n  hash: md5\nouts:\n- hash: md5\n  path: ../home/.bashrc\n`;
    write(work, { 'x.dvc': dvc });
    const before = state(home);
    for (const args of [['pull'], ['update', 'x.dvc'], ['fetch']]) mlops(work, args);
    expect(state(home)).toEqual(before);
  });

  it('are not the folder for plots that the repository names', () => {
    for (const folder of ['../home/plots', '.git/plots']) {
      const { work, home } = cloneOf({
        '.dvc/config': `[plots]\n    out_dir = ${folder}\n`,
        'dvc.yaml': 'plots:\n- p.csv:\n    x: a\n    y: b\n',
        'p.csv': 'a,b\n1,2\n',
      });
      const before = [state(home), gitState(work)];
      expect(mlops(work, ['plots', 'show']).stderr).toContain('no output may lie at');
      expect([state(home), gitState(work)]).toEqual(before);
    }
  });
});

describe('what is copied from other repositories', () => {
  it('brings no private folders along, and makes no Git repository', () => {
    const { base, work } = cloneOf({ a: 'a' });
    const other = path.join(base, 'other');
    write(other, {
      '.dvc/config': '',
      'data/ok': 'ok',
      'data/.mlops/keys.json': '{}',
      'data/sub/.mlops/mlops.db': 'x',
      'data/sub/.dvc/config.local': '[core]\n',
    });
    git(other, 'init', '-q', '-b', 'main');
    git(other, 'add', '-Af', '.');
    git(other, 'commit', '-qm', 'x');
    for (const [verb, url] of [
      ['get', other],
      ['get', `file://${other}`],
      ['import', `file://${other}`],
    ] as const) {
      expect(mlops(work, [verb, url, 'data', '-o', 'got', '-f']).status, `${verb} ${url}`).toBe(0);
      const found = fs.readdirSync(path.join(work, 'got'), { recursive: true, encoding: 'utf8' });
      expect(
        found.filter((name) => /\.(mlops|dvc|git)(\/|$)/.test(name)),
        `${verb} ${url}`,
      ).toEqual([]);
      fs.rmSync(path.join(work, 'got'), { recursive: true });
    }
  });

  it('has a name that names a file: not that of an artifact which the repository chose', () => {
    const { base, work } = cloneOf({ a: 'a' });
    const other = path.join(base, 'other');
    write(other, { '.dvc/config': '', 'dvc.yaml': 'artifacts:\n  m:\n    path: x/..\n', 'x/a': 'a' });
    git(other, 'init', '-q', '-b', 'main');
    git(other, 'add', '-Af', '.');
    git(other, 'commit', '-qm', 'x');
    git(other, 'tag', '-a', 'm@v1.0.0', '-m', 'm');
    const before = state(base).length;
    expect(mlops(work, ['artifacts', 'get', other, 'm']).status).not.toBe(0);
    expect(state(base).length).toBe(before);
  });
});

describe('a terminal', () => {
  const hasScript = spawnSync('script', ['--version']).status === 0;
  it.runIf(hasScript)('shows control characters of names, values and messages', () => {
    const { work } = cloneOf({
      'dvc.yaml': 'metrics: [m.json]\nstages:\n  "s\\e[2J":\n    cmd: "true"\n',
      'm.json': '{"acc\\u001b]0;owned\\u0007": "v\\u001b[31mred\\u009b2J"}',
      'params.yaml': '"p\\e[5m": "v\\e[2J"\n',
      'a\u001b[31mred': 'x',
    });
    git(work, 'checkout', '-q', '-b', 'odd');
    for (const command of [
      'metrics show',
      'metrics show --json',
      'params diff HEAD~9',
      'list . -R',
      'status',
      'repro --dry',
      'exp show --no-pager',
      'no\u001b[2Jverb',
    ]) {
      const words = command.split(' ').map((word) => `'${word}'`);
      const line = `'${process.execPath}' '${mlopsBin}' ${words.join(' ')}`;
      const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
        cwd: work,
        env: cleanEnv(path.join(path.dirname(work), 'home'), { NO_COLOR: '1', TERM: 'xterm' }),
        encoding: 'utf8',
      });
      expect(stdout.length, command).toBeGreaterThan(0);
      // The progress line is our own.
      // oxlint-disable-next-line no-control-regex
      expect(stdout.replaceAll('\r\u001b[K', ''), command).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/);
    }
  });
});
