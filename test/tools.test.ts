import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeWithCorpus, describeWithTool, judgeCorpus, judgeTools, tool, toolPrograms } from './tools.ts';

const script = resolve(import.meta.dirname, '..', 'scripts', 'tools.mjs');

describe('tool', () => {
  it('answers the absolute path of a program that runs', () => {
    const git = tool('git');
    expect(git).toBeDefined();
    expect(isAbsolute(git ?? '')).toBe(true);
    expect(execFileSync(git ?? '', ['--version'], { encoding: 'utf8' })).toContain('git version');
  });

  it('answers undefined for a tool that is not installed', () => {
    expect(tool('dvc', tmpdir())).toBeUndefined();
  });
});

describe('a suite with its tools', () => {
  it('runs when nothing is missing', () => {
    expect(judgeTools([], { CI: 'true' })).toEqual({ kind: 'run' });
  });

  it('is reported as not run on a developer machine, with the command that installs them', () => {
    const reason = 'dvc, minio missing, npm run tools -- dvc minio';
    expect(judgeTools(['dvc', 'minio'], {})).toEqual({ kind: 'skip', reason });
    expect(judgeTools(['dvc', 'minio'], { CI: 'false' })).toEqual({ kind: 'skip', reason });
  });

  it('fails in CI', () => {
    expect(judgeTools(['dvc'], { CI: 'true' }).kind).toBe('fail');
    expect(judgeTools(['dvc'], { CI: '1' }).kind).toBe('fail');
  });
});

describe('a suite over the corpus', () => {
  it('must run in CI, unless that CI says it has no corpus', () => {
    expect(judgeCorpus(true, { CI: 'true' }).kind).toBe('run');
    expect(judgeCorpus(false, { CI: 'true' }).kind).toBe('fail');
    expect(judgeCorpus(false, { CI: 'true', MLOPS_CORPUS: 'none' }).kind).toBe('skip');
    expect(judgeCorpus(false, {}).kind).toBe('skip');
  });
});

describeWithTool(['git', 'flock'], 'describeWithTool', ({ git, flock }) => {
  it('hands over the paths by name', () => {
    expect(isAbsolute(git)).toBe(true);
    expect(isAbsolute(flock)).toBe(true);
  });
});

describeWithCorpus('describeWithCorpus', (folder) => {
  it('hands over a folder of projects', () => {
    expect(readdirSync(folder).length).toBeGreaterThan(0);
  });
});

describe('scripts/tools.mjs', () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'tools-test-'));
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  const run = (...args: string[]) =>
    spawnSync(process.execPath, [script, ...args], {
      encoding: 'utf8',
      env: { ...process.env, MLOPS_TOOLS_DIR: cache },
    });

  it('knows the same tools as this helper', () => {
    const rows = JSON.parse(run('--list', '--json').stdout) as { name: string; program: string | null }[];
    const programs = rows.map(({ name, program }) => [name, program ?? ''] as const);
    expect(Object.fromEntries(programs)).toEqual(toolPrograms);
  });

  it('says what is missing and exits with 1, and changes nothing, when it only checks', () => {
    const { status, stderr } = run('--check', 'dvc');
    expect(status).toBe(1);
    expect(stderr).toContain('dvc: FAILED');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('refuses a tool that it does not know', () => {
    const { status, stderr } = run('no-such-tool');
    expect(status).toBe(2);
    expect(stderr).toContain('unknown no-such-tool');
  });
});
