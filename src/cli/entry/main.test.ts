import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { commandLine } from '../../../test/support/command-line.ts';
import { openProjectWith, read } from '../../../test/support/repo.ts';
import { dvcVersion, version } from '../parse/version.ts';

function emptyFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-line-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A project that nobody holds: the command line opens it by itself. */
async function project(
  files: Readonly<Record<string, string>>,
): Promise<{ root: string; read: (file: string) => string }> {
  const repo = await openProjectWith(files);
  repo.close();
  return { root: repo.root, read: (file) => read(repo, file) };
}

describe('the command line', () => {
  it('tells its version, as DVC when it is called so', async () => {
    expect(await commandLine('/', ['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect((await commandLine('/', ['--version'], { asDvc: true })).stdout).toBe(`${dvcVersion}\n`);
  });

  it('shows help for nothing, a word, a verb and a command', async () => {
    const lines = await Promise.all(
      [[], ['help'], ['remote', '--help'], ['help', 'remote', 'add'], ['add', '-h']].map((words) =>
        commandLine('/', words),
      ),
    );
    expect(lines.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
    expect(lines[2]?.stdout).toContain('remote add');
    expect(lines[3]?.stdout).toContain('mlops remote add');
  });

  it('says what is near a word that it does not know', async () => {
    const wrong = await commandLine('/', ['statsu']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain("did you mean 'status'?");
    const sub = await commandLine('/', ['remote', 'ad']);
    expect(sub.status).toBe(254);
    expect(sub.stderr).toContain("did you mean 'add'?");
  });

  it("ends with DVC's statuses for DVC's verbs", async () => {
    const folder = emptyFolder();
    expect((await commandLine(folder, ['status'])).status).toBe(253);
    expect((await commandLine(folder, ['status', '--nonsense'])).status).toBe(254);
    const { root } = await project({ x: '1' });
    expect((await commandLine(root, ['add', 'nothing'])).status).toBe(1);
    expect((await commandLine(root, ['remote', 'modify', 'no', 'url', 'x'])).status).toBe(251);
  });

  it('puts data on stdout and talk on stderr', async () => {
    const { root } = await project({ x: '1' });
    await commandLine(root, ['add', 'x', '--quiet']);
    const status = await commandLine(root, ['status', '--json']);
    expect(JSON.parse(status.stdout)).toEqual({});
    const failed = await commandLine(root, ['push']);
    expect(failed.stdout).toBe('');
    expect(failed.stderr).toMatch(/^ERROR: .*no remote.*\n[^]*hint: /i);
  });
});

describe('a project by the command line', () => {
  it('goes from data to a remote and back', async () => {
    const { root, read: readFile } = await project({ 'data/a': 'one', 'data/b': 'two' });
    const far = emptyFolder();
    const run = async (...words: readonly string[]): Promise<string> => {
      const { status, stdout, stderr } = await commandLine(root, words);
      expect(status, `${words.join(' ')}: ${stderr}`).toBe(0);
      return stdout;
    };
    await run('add', 'data');
    await run('remote', 'add', '-d', 'far', far);
    expect((await run('remote', 'list')).trim().split(/\s+/)).toEqual(['far', far, '(default)']);
    expect(await run('push')).toBe('3 files pushed\n');
    fs.rmSync(path.join(root, 'data'), { recursive: true });
    fs.rmSync(path.join(root, '.dvc/cache'), { recursive: true });
    expect(await run('pull')).toContain('A       data/\n');
    expect(readFile('data/b')).toBe('two');
    expect(await run('status')).toBe('Data and pipelines are up to date.\n');
  });

  it('runs a pipeline once, shows its metrics and what changed', async () => {
    const { root } = await project({
      'dvc.yaml':
        'stages:\n  train:\n    cmd: echo "{\\"acc\\":$(cat lr)}" > m.json\n    deps: [lr]\n    metrics: [m.json: {cache: false}]\n',
      lr: '0.5',
    });
    const repro = await commandLine(root, ['repro', '--no-record']);
    expect(repro.status, repro.stderr).toBe(0);
    expect(repro.stdout).toContain("Running stage 'train':");
    expect((await commandLine(root, ['repro', '--no-record'])).stdout).toContain(
      "Stage 'train' didn't change, skipping",
    );
    const metrics = await commandLine(root, ['metrics', 'show', '--json']);
    expect(JSON.parse(metrics.stdout)).toMatchObject({ '': { data: { 'm.json': { data: { acc: 0.5 } } } } });
    fs.writeFileSync(path.join(root, 'lr'), '0.7');
    expect((await commandLine(root, ['status'])).stdout).toContain('modified:           lr');
    const dag = await commandLine(root, ['dag', '--dot']);
    expect(dag.stdout).toContain('"train"');
    const stages = await commandLine(root, ['stage', 'list', '--name-only']);
    expect(stages.stdout).toBe('train\n');
  });

  it('completes verbs, sub-commands, flags and stages', async () => {
    const { root } = await project({ 'dvc.yaml': 'stages: \n  train:\n    cmd: x\n  test:\n    cmd: y\n' });
    const offered = async (...words: readonly string[]): Promise<string[]> =>
      (await commandLine(root, ['__complete', '--', ...words])).stdout.trim().split('\n');
    expect(await offered('chec')).toEqual(expect.arrayContaining(['checkout', 'check-ignore']));
    expect(await offered('remote', 'a')).toEqual(['add']);
    expect(await offered('repro', '--dr')).toEqual(['--dry']);
    expect(await offered('repro', 't')).toEqual(['train', 'test']);
  });
});
