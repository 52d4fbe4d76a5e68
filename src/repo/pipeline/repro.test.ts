import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { memoryExecutor, type MemoryProgram } from '../../execute/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { explainStage } from './explain.ts';
import { openDataRepo } from '../open/open-data-repo.ts';
import type { StageEnd } from './recorder.ts';
import type { ReproEvent } from './repro-events.ts';
import { repro, type ReproOptions } from './repro.ts';

async function project(files: Readonly<Record<string, string>>, env: DataRepo['env'] = process.env): Promise<DataRepo> {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-repro-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  spawnSync('git', ['init', '-q'], { cwd: root });
  fs.mkdirSync(path.join(root, '.dvc'));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(root, name), text);
  const repo = await openDataRepo(root, { env });
  onTestFinished(() => repo.close());
  return repo;
}

async function run(repo: DataRepo, options: ReproOptions = {}): Promise<string[]> {
  const told: string[] = [];
  const onEvent = (event: ReproEvent): void => {
    if ('stage' in event && ['unchanged', 'running', 'cached'].includes(event.kind)) {
      told.push(`${event.stage.address} ${event.kind}`);
    }
    options.onEvent?.(event);
  };
  await repro(repo, { ...options, onEvent });
  return told;
}

const read = (repo: DataRepo, file: string): string => fs.readFileSync(path.join(repo.root, file), 'utf8');
const write = (repo: DataRepo, file: string, text: string): void => {
  fs.writeFileSync(path.join(repo.root, file), text);
  repo.forget();
};

describe('repro', () => {
  it('brings the old outputs back when a stage fails', async () => {
    const repo = await project({ 'dvc.yaml': 'stages: {s: {cmd: cat x > o, deps: [x], outs: [o]}}\n', x: 'good' });
    await run(repo);
    write(repo, 'dvc.yaml', 'stages: {s: {cmd: "echo half > o; exit 7", deps: [x], outs: [o]}}\n');
    await expect(run(repo)).rejects.toMatchObject({
      code: 'stage_failed',
      message: "failed to reproduce 's': failed to run: echo half > o; exit 7, exited with 7",
    });
    expect(read(repo, 'o')).toBe('good');
  });

  it('tells in a dry run what stands behind a stage that would run, and no more than what is not known', async () => {
    const chain = (cmd: string): string =>
      `stages:\n  a: {cmd: ${cmd}, params: [lr], outs: [o]}\n  b: {cmd: cat o > p, deps: [o], outs: [p]}\n  c: {cmd: cat p > q, deps: [p], outs: [q]}\n`;
    const repo = await project({ 'dvc.yaml': chain('cat params.yaml > o'), 'params.yaml': 'lr: 1\n' });
    await run(repo);
    write(repo, 'params.yaml', 'lr: 2\n');
    const since: string[] = [];
    const onEvent = (event: ReproEvent): void => {
      if (event.kind === 'uncertain') since.push(...event.since.map((stage) => stage.address));
    };
    expect(await run(repo, { dry: true, onEvent })).toEqual(['a running', 'b running', 'c running']);
    expect(since).toEqual(['a', 'b']);
    await run(repo);
    // The run-cache knows what `a` made of lr 1, and that the others know it.
    write(repo, 'params.yaml', 'lr: 1\n');
    expect((await run(repo, { dry: true })).filter((line) => line.startsWith('a'))).toEqual(['a cached', 'a running']);
    // The same output by another command leaves the others as they are.
    write(repo, 'params.yaml', 'lr: 2\n');
    await run(repo);
    write(repo, 'dvc.yaml', chain('cat < params.yaml > o'));
    await run(repo);
    write(repo, 'dvc.yaml', chain('cat params.yaml > o'));
    expect(await run(repo, { dry: true })).toEqual(['a cached', 'a running', 'b unchanged', 'c unchanged']);
  });

  it('gives each of two projects in one process the environment and the variables of its own', async () => {
    const files = { 'dvc.yaml': 'stages: {s: {cmd: "sleep 0.2; echo $WHO $DVC_EXP_NAME $DVC_ROOT > o", outs: [o]}}\n' };
    const path_ = process.env['PATH'];
    const repos = [
      await project(files, { WHO: 'one', PATH: path_ }),
      await project(files, { WHO: 'two', PATH: path_ }),
    ];
    await Promise.all(repos.map((repo, i) => run(repo, { variables: { DVC_EXP_NAME: `exp-${i}` } })));
    expect(repos.map((repo) => read(repo, 'o'))).toEqual([
      `one exp-0 ${repos[0]?.root}\n`,
      `two exp-1 ${repos[1]?.root}\n`,
    ]);
    expect(process.env['DVC_EXP_NAME']).toBeUndefined();
  });

  it('ends what a killed repro left running on any kind of executor', async () => {
    const repo = await project({ 'dvc.yaml': 'stages: {s: {cmd: echo > o, outs: [o]}}\n' }, {});
    const executor = memoryExecutor({
      '/bin/sh': ({ cwd }) => (fs.writeFileSync(`${cwd}/o`, 'made'), 0),
      old: () => new Promise(() => undefined),
    });
    const left = executor.start({ argv: ['old'], cwd: repo.root, env: {}, output: 'pipe' });
    fs.mkdirSync(path.join(repo.stateDir, 'running'), { recursive: true });
    const note = { pid: 999_999_999, commands: [{ stage: 's', executor: 'memory', id: left.id }] };
    fs.writeFileSync(path.join(repo.stateDir, 'running/999999999.json'), JSON.stringify(note));
    const warnings: string[] = [];
    await run(repo, { executor, onEvent: (event) => event.kind === 'warning' && warnings.push(event.message) });
    expect(await left.done).toMatchObject({ signal: 'SIGTERM' });
    expect(warnings).toEqual([`stage 's' of a repro that was killed was still running (${left.id}); it is ended`]);
    expect(fs.readdirSync(path.join(repo.stateDir, 'running'))).toEqual([]);
  });

  it('touches nothing when a dep is missing', async () => {
    const repo = await project({ 'dvc.yaml': 'stages: {s: {cmd: cat x > o, deps: [x], outs: [o]}}\n', o: 'mine' });
    await expect(run(repo)).rejects.toThrow("failed to reproduce 's': dependency 'x' does not exist");
    expect(read(repo, 'o')).toBe('mine');
  });

  it('stops at an interruption, ends the command, and goes on from there', async () => {
    const repo = await project({
      'dvc.yaml':
        'stages:\n  a: {cmd: echo 1 > a, outs: [a]}\n  b: {cmd: sleep 30; echo 2 > b, deps: [a], outs: [b]}\n',
    });
    const abort = new AbortController();
    const onEvent = (event: ReproEvent): void => {
      if (event.kind === 'command' && event.stage.name === 'b') setTimeout(() => abort.abort(), 150);
    };
    await expect(run(repo, { signal: abort.signal, onEvent })).rejects.toMatchObject({ code: 'interrupted' });
    write(
      repo,
      'dvc.yaml',
      'stages:\n  a: {cmd: echo 1 > a, outs: [a]}\n  b: {cmd: echo 2 > b, deps: [a], outs: [b]}\n',
    );
    expect(await run(repo)).toEqual(['a unchanged', 'b running']);
  });

  it('says that an output was not made, and where it was looked for', async () => {
    const repo = await project({ 'dvc.yaml': 'stages: {s: {cmd: "true", outs: [o]}}\n' });
    await expect(run(repo)).rejects.toThrow("failed to reproduce 's': output 'o' does not exist");
  });

  it('takes what was made before from the run-cache', async () => {
    const repo = await project({ 'dvc.yaml': 'stages: {s: {cmd: cat x > o, deps: [x], outs: [o]}}\n', x: '1' });
    await run(repo);
    write(repo, 'x', '22');
    await run(repo);
    write(repo, 'x', '1');
    expect(await run(repo)).toEqual(['s cached']);
    expect(read(repo, 'o')).toBe('1');
  });

  it('runs independent stages at the same time, with the lock of running them in turn', async () => {
    const yaml = `stages:\n${['c', 'b', 'a'].map((name, i) => `  ${name}: {cmd: "sleep 0.${3 - i}; echo ${name} > ${name}", outs: [${name}]}\n`).join('')}  all: {cmd: cat a b c > all, deps: [a, b, c], outs: [all]}\n`;
    const serial = await project({ 'dvc.yaml': yaml });
    await run(serial);
    const parallel = await project({ 'dvc.yaml': yaml });
    const running = new Set<string>();
    let most = 0;
    await run(parallel, {
      jobs: 3,
      onEvent(event) {
        if (event.kind === 'running') running.add(event.stage.address);
        if (event.kind === 'done') running.delete(event.stage.address);
        most = Math.max(most, running.size);
      },
    });
    expect(most).toBe(3);
    expect(read(parallel, 'dvc.lock')).toBe(read(serial, 'dvc.lock'));
  });

  it('goes on without what needs a failed stage, and names it at the end', async () => {
    const repo = await project({
      'dvc.yaml':
        'stages:\n  bad: {cmd: exit 1, outs: [b]}\n  after: {cmd: echo 1 > a, deps: [b], outs: [a]}\n  other: {cmd: echo 1 > o, outs: [o]}\n',
    });
    await expect(run(repo, { onError: 'keep-going' })).rejects.toThrow("failed to reproduce 'bad'");
    expect(fs.existsSync(path.join(repo.root, 'o'))).toBe(true);
    expect(fs.existsSync(path.join(repo.root, 'a'))).toBe(false);
  });

  it('tells the recorder what ran, with its params, lineage and the end of its output', async () => {
    const repo = await project({
      'dvc.yaml': 'stages: {s: {cmd: "echo $TOKEN; cat x > o", deps: [x], params: [lr], outs: [o]}}\n',
      'params.yaml': 'lr: 0.1\n',
      x: '1',
    });
    const ends: StageEnd[] = [];
    const recorder = {
      prepare: () => undefined,
      begin: async () => undefined,
      stage: async () => ({
        env: { TOKEN: 'secret' },
        metric: () => undefined,
        end: async (end: StageEnd) => void ends.push(end),
      }),
      end: async () => ({ runId: 'r1' }),
    };
    expect((await repro(repo, { recorder })).runId).toBe('r1');
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({ status: 'ran', logTail: 'secret\n', exitCode: 0 });
    expect(ends[0]?.lineage.map(({ path: at, role }) => [at, role])).toEqual([
      ['x', 'dep'],
      ['o', 'out'],
    ]);
  });

  it('leaves what a stage reads and makes out of reach of others while it runs', async () => {
    const repo = await project({ 'dvc.yaml': 'stages: {s: {cmd: sleep 0.4; cp .dvc/tmp/rwlock o, outs: [o]}}\n' });
    await run(repo);
    expect(Object.keys((JSON.parse(read(repo, 'o')) as { write: object }).write)).toEqual([path.join(repo.root, 'o')]);
    expect(read(repo, '.dvc/tmp/rwlock')).toBe('{}');
  });
});

describe('why', () => {
  it('names command, deps and params with old and new values, and what runs before', async () => {
    const repo = await project({
      'dvc.yaml':
        'stages:\n  a: {cmd: cat x > a, deps: [x], outs: [a]}\n  b: {cmd: cat a > b, deps: [a], params: [lr], outs: [b]}\n',
      'params.yaml': 'lr: 0.1\n',
      x: '1',
    });
    await run(repo);
    write(repo, 'x', '22');
    write(repo, 'params.yaml', 'lr: 0.2\n');
    const { changes, pending } = await explainStage(repo, 'b');
    expect(pending.map(({ stage }) => stage.address)).toEqual(['a']);
    expect(changes).toMatchObject([{ kind: 'params', values: [{ key: 'lr', status: 'modified' }] }]);
    await expect(explainStage(repo, 'bb')).rejects.toMatchObject({ code: 'unknown_stage', hint: "did you mean 'b'?" });
  });

  it('runs the commands of stages wherever the executor runs them', async () => {
    const repo = await project({
      'dvc.yaml': 'stages: {s: {cmd: make o, outs: [o]}, t: {cmd: copy, deps: [o], outs: [p]}}\n',
    });
    const lines: string[] = [];
    const shell: MemoryProgram = ({ args, cwd, env, stdout }) => {
      lines.push(`${env['DVC_STAGE']}: ${args.at(-1)}`);
      stdout('done\n');
      fs.writeFileSync(path.join(cwd, env['DVC_STAGE'] === 's' ? 'o' : 'p'), '1');
      return 0;
    };
    const executor = memoryExecutor({ [process.env['SHELL'] ?? '/bin/sh']: shell });
    expect(await run(repo, { executor })).toEqual(['s running', 't running']);
    expect(lines).toEqual(['s: make o', 't: copy']);
    expect(await run(repo, { executor })).toEqual(['s unchanged', 't unchanged']);
  });
});
