import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freshProject, mlops } from './cli.ts';
import { expectSound, leftovers, md5 } from './support/sound.ts';

vi.setConfig({ testTimeout: 300_000 });

interface Writer {
  /** Ends the writer and waits until it is gone. */
  stop(): Promise<void>;
}

/** A process that overwrites a file in place again and again, always with the same size; a few bytes at a time. */
async function writer(file: string, size: number, pause: number): Promise<Writer> {
  const script = `
    const fs = require('node:fs');
    const fd = fs.openSync(${JSON.stringify(file)}, 'r+');
    const step = Math.max(1, Math.floor(${size} / 5));
    let round = 0;
    const write = () => {
      const part = Buffer.alloc(step, String(round++));
      for (let at = 0; at + step <= ${size}; at += step) fs.writeSync(fd, part, 0, step, at);
      if (round === 1) console.log('writing');
      setTimeout(write, ${pause});
    };
    write();`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error('the writer ended')));
  });
  return {
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

function recorded(metafile: string): string | undefined {
  if (!fs.existsSync(metafile)) return undefined;
  return /md5: ([0-9a-f]{32})/.exec(fs.readFileSync(metafile, 'utf8'))?.[1];
}

describe('a file that somebody goes on writing', () => {
  // The pauses reach from "changes in every tick of the file clock" to "may stand still while it is read".
  it.each([
    { what: 'small', size: 4_000, pause: 0 },
    { what: 'small, at times still', size: 4_000, pause: 30 },
    { what: 'large', size: 24 << 20, pause: 0 },
    { what: 'large, at times still', size: 24 << 20, pause: 150 },
  ])(
    '$what: is taken as it was at one moment or refused, and afterwards its change is seen',
    async ({ size, pause }) => {
      const project = freshProject();
      const file = path.join(project, 'data');
      fs.writeFileSync(file, Buffer.alloc(size, 'first'));
      const cache = path.join(project, '.dvc/cache/files/md5');
      for (let round = 0; round < 3; round++) {
        const busy = await writer(file, size, pause);
        const { status, stderr } = mlops(project, ['add', 'data']);
        await busy.stop();
        expect([0, 1], stderr).toContain(status);
        if (status === 1) expect(stderr).toContain('kept changing');
        const name = recorded(path.join(project, 'data.dvc'));
        if (status === 0)
          expect(fs.existsSync(path.join(cache, name?.slice(0, 2) ?? '', name?.slice(2) ?? ''))).toBe(true);
        expectSound(cache);
        expect(leftovers(cache)).toEqual([]);
        if (name !== undefined) {
          const said = mlops(project, ['status', '--json']).stdout.trim();
          const actual = md5(fs.readFileSync(file));
          expect(said === '{}', `${said} though the file is ${actual} and was recorded as ${name}`).toBe(
            actual === name,
          );
        }
      }
      expect(mlops(project, ['add', 'data']).status).toBe(0);
      expect(recorded(path.join(project, 'data.dvc'))).toBe(md5(fs.readFileSync(file)));
      expect(mlops(project, ['fsck']).status).toBe(0);
    },
  );

  it('inside a folder: no manifest promises a content that was never stored', async () => {
    const project = freshProject();
    const names = ['a', 'b', 'sub/c', 'sub/large'];
    for (const name of names) {
      const file = path.join(project, 'data', name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, Buffer.alloc(name === 'sub/large' ? 3 << 20 : 900, name));
    }
    const busy = [
      await writer(path.join(project, 'data/b'), 900, 5),
      await writer(path.join(project, 'data/sub/large'), 3 << 20, 40),
    ];
    for (let round = 0; round < 4; round++) {
      const { status, stderr } = mlops(project, ['add', 'data']);
      expect([0, 1], stderr).toContain(status);
      if (status === 0) expect(mlops(project, ['fsck']).status).toBe(0);
    }
    for (const each of busy) await each.stop();
    expect(mlops(project, ['add', 'data']).status).toBe(0);
    fs.renameSync(path.join(project, 'data'), path.join(project, 'kept'));
    expect(mlops(project, ['checkout']).status).toBe(0);
    for (const name of names) {
      const [back, kept] = ['data', 'kept'].map((folder) => md5(fs.readFileSync(path.join(project, folder, name))));
      expect(back, name).toBe(kept);
    }
  });
});
