import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { memoryExecutor } from '../../execute/index.ts';
import type { Stage } from '../../project/index.ts';
import { OutputPlaces } from '../../trust/index.ts';
import { newDataStage, newOut } from '../workspace/add.ts';
import { RepoLock } from './repo-lock.ts';
import { endOrphans, RunningStages } from './running-stages.ts';
import { RwLock } from './rw-lock.ts';
import { recoverOuts, setAside } from './set-aside.ts';

let root: string;
let stateDir: string;
const at = (file: string): string => path.join(root, file);
const put = (file: string, text: string): void => {
  fs.mkdirSync(path.dirname(at(file)), { recursive: true });
  fs.writeFileSync(at(file), text);
};
/** The id of a process that was, and is no more. */
const gone = spawnSync(process.execPath, ['-e', '']).pid;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'guard-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  stateDir = at('.mlops');
});

describe('the lock per path', () => {
  const other = (kind: 'read' | 'write', pid: number, file = at('data')): void => {
    const holder = { pid, cmd: 'dvc repro' };
    put('rwlock', JSON.stringify({ [kind]: { [file]: kind === 'read' ? [holder] : holder } }));
  };
  const conflict = (paths: { read?: string[]; write?: string[] }): string | undefined =>
    new RwLock(root, 'mlops repro').conflict({ read: [], write: [], ...paths })?.path;

  it.each([
    ['a reader', 'read', 'read', undefined],
    ['a reader', 'read', 'write', 'data/a'],
    ['a writer', 'write', 'read', 'data/a'],
    ['a writer', 'write', 'write', 'data/a'],
  ] as const)('of %s (%s) and one who comes to %s', (_, held, wanted, found) => {
    other(held, process.ppid);
    expect(conflict({ [wanted]: [at('data/a')] })).toBe(found === undefined ? undefined : at(found));
    expect(conflict({ [wanted]: [at('database')] })).toBeUndefined();
  });

  it('is not held by who is gone, by oneself, or by garbage', () => {
    for (const pid of [gone, process.pid]) {
      other('write', pid);
      expect(conflict({ write: [at('data')] })).toBeUndefined();
    }
    for (const text of ['', 'x', '[1', '"text"', 'null']) {
      put('rwlock', text);
      expect(conflict({ write: [at('data')] })).toBeUndefined();
    }
  });

  it('is written as DVC reads it, beside what others hold, and taken back', async () => {
    other('read', process.ppid);
    const lock = new RwLock(root, 'mlops repro');
    const me = { pid: process.pid, cmd: 'mlops repro' };
    const them = { pid: process.ppid, cmd: 'dvc repro' };
    const paths = { read: [at('data')], write: [at('out')] };
    await lock.add(paths);
    await lock.add(paths);
    const text = (): unknown => JSON.parse(fs.readFileSync(at('rwlock'), 'utf8'));
    expect(text()).toEqual({ write: { [at('out')]: me }, read: { [at('data')]: [them, me] } });
    await lock.remove(paths);
    expect(text()).toEqual({ read: { [at('data')]: [them] } });
    fs.rmSync(at('rwlock'));
    await lock.remove(paths);
    expect(text()).toEqual({});
  });
});

describe('outputs set aside', () => {
  const project = (): { root: string; stateDir: string; places: OutputPlaces } => ({
    root,
    stateDir,
    places: new OutputPlaces(root),
  });
  const stagesWith = (file: string): readonly Stage[] => [newDataStage(`${file}.dvc`, '', newOut(file, file))];
  const none = memoryExecutor({});
  /** As if who moved them had been killed. */
  const killed = (): void => {
    for (const folder of fs.readdirSync(path.join(stateDir, 'aside'))) {
      const note = path.join(stateDir, 'aside', folder, 'moved.json');
      const text = JSON.parse(fs.readFileSync(note, 'utf8')) as object;
      fs.writeFileSync(note, JSON.stringify({ ...text, pid: gone, born: undefined }));
    }
  };

  it('come back when the stage fails, in place of what it wrote, and go when it succeeds', () => {
    put('model/a', 'old');
    put('m.json', 'old');
    const failing = setAside(project(), [at('model'), at('m.json'), at('none')]);
    expect([fs.existsSync(at('model')), fs.existsSync(at('m.json'))]).toEqual([false, false]);
    put('model/half', 'new');
    failing.restore();
    expect([fs.readdirSync(at('model')), fs.readFileSync(at('m.json'), 'utf8')]).toEqual([['a'], 'old']);
    const succeeding = setAside(project(), [at('model')]);
    put('model/b', 'new');
    succeeding.drop();
    expect(fs.readdirSync(at('model'))).toEqual(['b']);
    expect(fs.readdirSync(path.join(stateDir, 'aside'))).toEqual([]);
  });

  it('come back after a kill, not while the stage runs, and only to outputs of the project', () => {
    for (const file of ['mine', 'not-mine']) put(file, 'old');
    setAside(project(), [at('mine'), at('not-mine')]);
    recoverOuts({ ...project(), stages: () => stagesWith('mine') }, none);
    expect(fs.existsSync(at('mine'))).toBe(false);
    killed();
    recoverOuts({ ...project(), stages: () => stagesWith('mine') }, none);
    expect([fs.readFileSync(at('mine'), 'utf8'), fs.existsSync(at('not-mine'))]).toEqual(['old', false]);
    recoverOuts({ ...project(), stages: () => stagesWith('not-mine') }, none);
    expect(fs.existsSync(at('not-mine'))).toBe(true);
    expect(fs.readdirSync(path.join(stateDir, 'aside'))).toEqual([]);
  });
});

describe('commands that a killed repro left', () => {
  it('are told and ended; those of a repro that lives are left alone', async () => {
    const executor = memoryExecutor({ wait: () => new Promise(() => undefined) });
    const execution = executor.start({ argv: ['wait'], cwd: root, env: {}, output: 'pipe' });
    const running = new RunningStages(stateDir);
    running.started({ stage: 'train', executor: 'memory', id: execution.id });
    const told: string[] = [];
    await endOrphans(stateDir, executor, ({ stage }) => told.push(stage));
    expect(told).toEqual([]);
    const note = path.join(stateDir, 'running', `${process.pid}.json`);
    const text = JSON.parse(fs.readFileSync(note, 'utf8')) as object;
    fs.writeFileSync(note, JSON.stringify({ ...text, pid: gone, born: undefined }));
    await endOrphans(stateDir, executor, ({ stage }) => told.push(stage));
    expect(told).toEqual(['train']);
    expect((await execution.done).code).not.toBe(0);
    expect(fs.readdirSync(path.join(stateDir, 'running'))).toEqual([]);
  });

  it('are not looked for in notes that are cut off', async () => {
    put('.mlops/running/1.json', '{"pid": 1, "comm');
    await endOrphans(stateDir, memoryExecutor({}), () => expect.unreachable());
    expect(fs.readdirSync(path.join(stateDir, 'running'))).toEqual([]);
  });
});

it("gives the project's lock back when all parts of a command wait, and takes it once for all", async () => {
  const told: string[] = [];
  const lock = { path: at('lock'), release: () => void told.push('released') };
  const repoLock = new RepoLock(lock, async () => {
    told.push('taken');
    return lock;
  });
  const part = async (name: string): Promise<void> => void told.push(name);
  await repoLock.unlocked(() => part('work'));
  expect(told).toEqual(['released', 'work', 'taken']);
  repoLock.release();
  const without = new RepoLock(undefined, async () => expect.unreachable());
  await without.unlocked(() => part('free'));
  expect(told).toEqual(['released', 'work', 'taken', 'released', 'free']);
});
