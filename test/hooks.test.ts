import * as fs from 'node:fs';
import * as path from 'node:path';

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { command, mlops, mlopsBin, temporaryFolder, type Outcome } from './cli.ts';

// Each step starts several processes, which is slow on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

describe('Git hooks', () => {
  let project: string;
  let env: Record<string, string>;

  beforeEach(() => {
    const base = temporaryFolder();
    project = path.join(base, 'project');
    fs.mkdirSync(path.join(base, 'bin'));
    fs.mkdirSync(project);
    // Hooks find the program on the PATH, as it is after an installation.
    fs.writeFileSync(path.join(base, 'bin/mlops'), `#!/bin/sh\nexec '${process.execPath}' '${mlopsBin}' "$@"\n`, {
      mode: 0o755,
    });
    env = { PATH: `${path.join(base, 'bin')}${path.delimiter}${process.env['PATH'] ?? ''}` };
    git('init', '-q', '-b', 'main');
    run('init', '-q');
    run('remote', 'add', '-d', 'store', '../store');
  });

  function git(...args: string[]): Outcome {
    const result = command(project, 'git', args, { env });
    expect(result.status, `git ${args.join(' ')}\n${result.stdout}${result.stderr}`).toBe(0);
    return result;
  }

  function run(...args: string[]): Outcome {
    const result = mlops(project, args, { env });
    expect(result.status, `mlops ${args.join(' ')}\n${result.stderr}`).toBe(0);
    return result;
  }

  function write(name: string, content: string): void {
    fs.mkdirSync(path.dirname(path.join(project, name)), { recursive: true });
    fs.writeFileSync(path.join(project, name), content);
  }

  const read = (name: string): string => fs.readFileSync(path.join(project, name), 'utf8');

  it('show the status before a commit, check out after a checkout, push before a push', () => {
    run('install');
    write('data', 'one');
    run('add', 'data');
    git('add', '.');
    const committed = git('commit', '-m', 'one');
    expect(committed.stdout + committed.stderr).toContain('Data and pipelines are up to date.');
    git('checkout', '-q', '-b', 'other');
    write('data', 'two');
    run('add', 'data');
    git('commit', '-q', '-am', 'two');
    git('checkout', '-q', 'main');
    expect(read('data')).toBe('one');
    git('checkout', '-q', 'other');
    expect(read('data')).toBe('two');
    command(path.dirname(project), 'git', ['init', '-q', '--bare', 'origin.git'], { env });
    git('push', '-q', '../origin.git', 'other');
    expect(fs.readdirSync(path.join(project, '../store/files/md5'))).toHaveLength(1);
  });

  it('are never written over others', () => {
    run('install');
    const again = mlops(project, ['install'], { env });
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("Hook 'post-checkout' already exists");
  });

  it('can go through the pre-commit tool, once', () => {
    write('.pre-commit-config.yaml', '# ours\nrepos: [] # none yet\n');
    run('install', '--use-pre-commit-tool');
    const text = read('.pre-commit-config.yaml');
    expect(text).toContain('# ours');
    expect(text).toContain('entry: mlops git-hook pre-commit');
    run('install', '--use-pre-commit-tool');
    expect(read('.pre-commit-config.yaml')).toBe(text);
    expect(fs.existsSync(path.join(project, '.git/hooks/pre-commit'))).toBe(false);
  });

  it('merge two versions of a tracked folder file by file', () => {
    run('install');
    write('.gitattributes', '*.dvc merge=dvc\n');
    for (const name of ['a', 'b', 'c']) write(`data/${name}`, name);
    run('add', 'data');
    git('add', '.');
    git('commit', '-q', '-m', 'base');
    git('checkout', '-q', '-b', 'other');
    write('data/a', 'changed there');
    write('data/new', 'there');
    run('add', 'data');
    git('commit', '-q', '-am', 'there');
    git('checkout', '-q', 'main');
    write('data/b', 'changed here');
    fs.rmSync(path.join(project, 'data/c'));
    run('add', 'data');
    git('commit', '-q', '-am', 'here');
    git('merge', '-q', 'other', '-m', 'merged');
    run('checkout');
    expect(fs.readdirSync(path.join(project, 'data')).sort()).toEqual(['a', 'b', 'new']);
    expect([read('data/a'), read('data/b')]).toEqual(['changed there', 'changed here']);
    expect(run('status').stdout).toBe('Data and pipelines are up to date.\n');
  });

  it('leave a conflict to the user when both sides changed the same file', () => {
    run('install');
    write('.gitattributes', '*.dvc merge=dvc\n');
    write('data/a', '0');
    run('add', 'data');
    git('add', '.');
    git('commit', '-q', '-m', 'base');
    git('checkout', '-q', '-b', 'other');
    write('data/a', '1');
    run('add', 'data');
    git('commit', '-q', '-am', 'there');
    git('checkout', '-q', 'main');
    write('data/a', '2');
    run('add', 'data');
    git('commit', '-q', '-am', 'here');
    const merged = command(project, 'git', ['merge', '-q', 'other', '-m', 'merged'], { env });
    expect(merged.status).toBe(1);
    expect(merged.stdout + merged.stderr).toContain('unable to auto-merge the following paths:\na');
  });
});

describe('version', () => {
  it('tells about machine and project, and what is wrong with them', () => {
    const folder = temporaryFolder();
    command(folder, 'git', ['init', '-q']);
    mlops(folder, ['init', '-q']);
    mlops(folder, ['remote', 'add', 'cloud', 's3://bucket/x']);
    const told = mlops(folder, ['version']);
    expect(told.stdout).toMatch(/^mlops version: \S+ \(npm\)\n-+\nPlatform: Node /);
    expect(told.stdout).toContain('Remotes: s3\n');
    expect(told.stderr).toContain('checks passed');
    const doctor = JSON.parse(mlops(folder, ['doctor', '--json']).stdout) as {
      checks: { name: string; ok: boolean }[];
    };
    // The bucket is nobody's, and another suite may listen on a port.
    const own = doctor.checks.filter(({ name }) => !/^(?:remote|port) /.test(name));
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((check) => !check.ok)).toEqual([]);
    expect(doctor.checks.find(({ name }) => name.startsWith('remote '))).toMatchObject({ ok: false });
    fs.writeFileSync(path.join(folder, '.dvc/config'), '[core]\n    nokey = 1\n');
    const broken = mlops(folder, ['doctor']);
    expect(broken.status).toBe(0);
    expect(broken.stderr).toContain("extra keys not allowed @ data['core']['nokey']");
  });
});
