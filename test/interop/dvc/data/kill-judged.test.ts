import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { command, freshProject, mlops, startMlops, temporaryFolder } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';

vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'real DVC judges', ({ dvc }) => {
  /** What DVC finds: nothing changed, nothing missing here or on the remote. */
  const expectClean = (project: string): void => {
    const ask = (...args: string[]): string => {
      const { status, stdout, stderr } = command(project, dvc, args);
      expect(status, stderr).toBe(0);
      return stdout;
    };
    expect(ask('status')).toBe('Data and pipelines are up to date.\n');
    expect(ask('status', '-c')).toBe("Cache and remote 'loc' are in sync.\n");
    expect(JSON.parse(ask('data', 'status', '--json', '--granular'))).not.toHaveProperty('uncommitted');
    const { status, stdout } = mlops(project, ['fsck', '--remote']);
    expect(status, stdout).toBe(0);
  };
  const fill = (folder: string, count: number, word: string): void => {
    for (let i = 0; i < count; i++) {
      const file = path.join(folder, `d${i % 5}`, `f${i}`);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, `${word} ${i} `.repeat(1 + ((i * 7919) % 400)));
    }
    fs.writeFileSync(path.join(folder, 'large'), Buffer.alloc(12 << 20, word));
  };
  const newProject = (remote: string, cache?: string): string => {
    const project = freshProject();
    expect(mlops(project, ['remote', 'add', '-q', '-d', 'loc', remote]).status).toBe(0);
    if (cache !== undefined) expect(mlops(project, ['cache', 'dir', cache]).status).toBe(0);
    return project;
  };
  /** Killed later and later until it gets through by itself. */
  const killed = async (project: string, args: readonly string[]): Promise<number> => {
    for (let [delay, kills] = [40, 0]; delay < 120_000; delay *= 1.6) {
      const { child, ended } = startMlops(project, args);
      const timer = setTimeout(() => child.kill('SIGKILL'), delay);
      const { status } = await ended;
      clearTimeout(timer);
      if (status === 0) return kills;
      kills++;
    }
    throw new Error(`${args.join(' ')} never got through`);
  };

  it('the folder clean after every command was killed with -9 and run again', async () => {
    const remote = path.join(temporaryFolder(), 'remote');
    const project = newProject(remote);
    const data = path.join(project, 'data');
    fill(data, 2000, 'one');
    expect(await killed(project, ['add', 'data'])).toBeGreaterThan(0);
    expect(await killed(project, ['push'])).toBeGreaterThan(0);
    expectClean(project);
    fs.rmSync(data, { recursive: true });
    await killed(project, ['checkout']);
    expectClean(project);
    fill(data, 300, 'two');
    await killed(project, ['commit', '-f']);
    await killed(project, ['push']);
    expectClean(project);
    await killed(project, ['gc', '-w', '-c', '-f']);
    expectClean(project);
    fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
    fs.rmSync(data, { recursive: true });
    await killed(project, ['fetch']);
    await killed(project, ['pull']);
    expectClean(project);
  });

  it('two projects clean that worked at once, with each other and with DVC, on one cache and one remote', async () => {
    const shared = temporaryFolder();
    const [remote, cache] = [path.join(shared, 'remote'), path.join(shared, 'cache')];
    const projects = [newProject(remote, cache), newProject(remote, cache)];
    for (const [i, project] of projects.entries()) {
      fill(path.join(project, 'data'), 1600, 'common');
      fs.writeFileSync(path.join(project, 'data/own'), `only of ${i}`);
    }
    const atOnce = async (...args: string[]): Promise<void> => {
      const started = projects.map((project) => startMlops(project, args));
      const outcomes = await Promise.all(started.map(({ ended }) => ended));
      const said = started.map(({ output }) => output.stderr).join('');
      expect(outcomes, said).toMatchObject([{ status: 0 }, { status: 0 }]);
    };
    await atOnce('add', 'data');
    await atOnce('push');
    for (const project of projects) expectClean(project);
    fs.rmSync(cache, { recursive: true });
    for (const project of projects) fs.rmSync(path.join(project, 'data'), { recursive: true });
    // One of them is pulled into by ours while DVC fetches for the other.
    const [first, second] = projects as [string, string];
    const ours = startMlops(first, ['pull']);
    const theirs = command(second, dvc, ['pull']);
    expect(await ours.ended, ours.output.stderr).toMatchObject({ status: 0 });
    expect(theirs.status, theirs.stderr).toBe(0);
    for (const project of projects) expectClean(project);
  });
});
