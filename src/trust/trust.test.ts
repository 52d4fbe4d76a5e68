import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import {
  makePrivateFolder,
  OutputPlaces,
  privateFile,
  privateFolder,
  privateSubfolder,
  requireTrusted,
} from './index.ts';

let base: string;
let root: string;
beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-trust-')));
  root = path.join(base, 'project');
  fs.mkdirSync(path.join(root, '.dvc'), { recursive: true });
  vi.stubEnv('HOME', base);
  return () => {
    vi.unstubAllEnvs();
    fs.rmSync(base, { recursive: true, force: true });
  };
});

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: root, stdio: 'pipe' });
}

function write(name: string, content = name): void {
  fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  fs.writeFileSync(path.join(root, name), content);
}

describe('a private folder', () => {
  it('is for its owner alone, and hides from Git', () => {
    makePrivateFolder(privateFolder(root));
    expect(fs.statSync(privateFolder(root)).mode & 0o777).toBe(0o700);
    expect(fs.statSync(path.join(privateFolder(root), '.gitignore')).mode & 0o777).toBe(0o600);
    expect(fs.statSync(privateSubfolder(privateFolder(root), 'tmp', { make: true })).mode & 0o777).toBe(0o700);
    git('init', '-q');
    expect(execFileSync('git', ['status', '--porcelain', '--ignored'], { cwd: root, encoding: 'utf8' })).not.toMatch(
      /\?\? .mlops/,
    );
  });

  it('that others can read is closed to them', () => {
    fs.mkdirSync(privateFolder(root), { mode: 0o755 });
    requireTrusted(root);
    expect(fs.statSync(privateFolder(root)).mode & 0o777).toBe(0o700);
  });

  it.each([
    'moved.json',
    '.gitignore',
    'aside/x/moved.json',
    'tmp/x',
    'running/1.json',
    'keys.json',
    'mlops.db',
    'index.sqlite',
  ])('is refused with a tracked %s in it', (name) => {
    git('init', '-q');
    write(`.mlops/${name}`);
    requireTrustedIs('nothing');
    git('add', '-f', `.mlops/${name}`);
    requireTrustedIs(`Git tracks '.mlops/${name}'`);
  });

  it('is refused with tracked files in a folder of a repository, and with `core.no_scm`', () => {
    write('.mlops/keys.json');
    write('.dvc/config', '[core]\n    no_scm = true\n');
    execFileSync('git', ['init', '-q'], { cwd: base });
    execFileSync('git', ['add', '-f', 'project'], { cwd: base });
    requireTrustedIs("Git tracks '.mlops/keys.json'");
  });

  it('is refused as a submodule, a link, a file, and a tracked link', () => {
    git('init', '-q');
    fs.mkdirSync(path.join(root, '.mlops'));
    git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},.mlops`);
    requireTrustedIs("Git tracks '.mlops'");
    fs.rmdirSync(path.join(root, '.mlops'));
    fs.symlinkSync('..', path.join(root, '.mlops'));
    requireTrustedIs('is a link');
    fs.rmSync(path.join(root, '.mlops'));
    write('.mlops');
    requireTrustedIs('is no folder');
  });

  it.runIf(process.geteuid?.() === 0)('of another user is refused, unless Git was told that it is safe', () => {
    fs.mkdirSync(privateFolder(root));
    fs.chownSync(privateFolder(root), 12345, 12345);
    requireTrustedIs('belongs to another user (12345)');
    vi.stubEnv('SUDO_UID', '12345');
    requireTrustedIs('nothing');
    vi.stubEnv('SUDO_UID', '');
    for (const named of [privateFolder(root), '*', `${base}/*`]) {
      fs.writeFileSync(path.join(base, '.gitconfig'), `[safe]\n\tdirectory = ${named}\n`);
      requireTrustedIs('nothing');
    }
  });

  it('has folders and files in it, and no links', () => {
    makePrivateFolder(privateFolder(root));
    fs.symlinkSync('..', path.join(root, '.mlops/aside'));
    fs.symlinkSync('../x', path.join(root, '.mlops/keys.json'));
    expect(() => privateSubfolder(privateFolder(root), 'aside')).toThrow('is a link');
    expect(() => privateFile(privateFolder(root), 'keys.json')).toThrow('is a link');
    expect(privateFile(privateFolder(root), 'mlops.db')).toBe(path.join(root, '.mlops/mlops.db'));
  });

  it('may be beside links in `.dvc` that the user made, and none that Git tracks', () => {
    git('init', '-q');
    fs.mkdirSync(path.join(base, 'cache'));
    fs.symlinkSync('../../cache', path.join(root, '.dvc/cache'));
    requireTrustedIs('nothing');
    git('add', '-f', '.dvc/cache');
    requireTrustedIs('is a link that came with the repository');
  });
});

/** Asks anew: a command asks once. */
function requireTrustedIs(expected: string): void {
  const again = `${root}/${'./'.repeat(++asked)}`;
  if (expected === 'nothing') requireTrusted(again);
  else expect(() => requireTrusted(again)).toThrow(expected);
}
let asked = 0;

describe('an output', () => {
  const fault = (name: string): string => {
    try {
      new OutputPlaces(root).require(path.resolve(root, name));
      return 'fine';
    } catch (error) {
      return (error as Error).message.replace(/^.*?: it /, '');
    }
  };

  it('may lie in the project, and not in the folders of tools', () => {
    expect(['a', 'a/b/c', '.x', 'git'].map(fault)).toEqual(['fine', 'fine', 'fine', 'fine']);
    for (const name of [
      '.git/config',
      '.GIT/x',
      'sub/.git',
      '.dvc/config.local',
      'sub/.dvc/x',
      '.mlops/keys.json',
      'git~1/x',
    ])
      expect(fault(name), name).toMatch(/^lies in '\.(git|dvc|mlops)'$/);
    for (const name of ['', '..', '../x', '/etc/passwd'])
      expect(fault(name), name).toBe('is no place inside the project');
  });

  it('may lie behind a link that the user made, unless it leads into a folder of a tool', () => {
    git('init', '-q');
    fs.mkdirSync(path.join(base, 'disk'));
    fs.symlinkSync('../disk', path.join(root, 'big'));
    fs.symlinkSync('.git/hooks', path.join(root, 'hooks'));
    fs.symlinkSync('.dvc/none', path.join(root, 'dvc'));
    expect(['big/x', 'big', 'hooks/x', 'dvc/x'].map(fault)).toEqual([
      'fine',
      'fine',
      "is behind the link 'hooks', and so lies in '.git'",
      "is behind the link 'dvc', and so lies in '.dvc'",
    ]);
  });

  it('may not lie at or behind a link that Git tracks, at any level', () => {
    git('init', '-q');
    fs.mkdirSync(path.join(root, 'a/b'), { recursive: true });
    fs.symlinkSync('../../..', path.join(root, 'a/b/link'));
    git('add', '.');
    for (const name of ['a/b/link', 'a/b/link/x', 'a/b/link/x/y'])
      expect(fault(name), name).toBe("lies at or behind 'a/b/link', a symbolic link that Git tracks");
    expect(fault('a/b/other')).toBe('fine');
    expect(() =>
      new OutputPlaces(root).requireFolders([path.join(root, 'a/b/x'), path.join(root, 'a/b/link/y')]),
    ).toThrow('link');
  });
});
