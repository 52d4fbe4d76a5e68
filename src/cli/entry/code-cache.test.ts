import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { root, temporaryFolder } from '../../../test/cli.ts';

// Node 22 keeps compiled code by itself; there this file has nothing to say.
const isOurs = Number(process.versions.node.split('.')[0]) < 22;

/** A bundle of two chunks which says what it is, started as the real one is. */
function smallBundle(): { folder: string; compiled: string; run(env?: Record<string, string>): string } {
  const folder = temporaryFolder();
  fs.copyFileSync(path.join(root, 'dist', 'start.js'), path.join(folder, 'start.js'));
  fs.mkdirSync(path.join(folder, 'chunks'));
  fs.writeFileSync(path.join(folder, 'chunks', 'a-AAAAAAA1.js'), 'exports.double = (n) => 2 * n;');
  fs.writeFileSync(
    path.join(folder, 'mlops.js'),
    `const os = require('node:os');
     exports.runProcess = async () => {
       const { double } = require('./chunks/a-AAAAAAA1.js');
       const later = await Promise.resolve().then(() => require('node:path'));
       console.log(double(21), typeof os.homedir, typeof later.join);
     };`,
  );
  const script = `require(${JSON.stringify(path.join(folder, 'start.js'))}).start()`;
  return {
    folder,
    compiled: path.join(folder, 'compiled', `none-${process.version}-${process.arch}.bin`),
    run(env = {}) {
      const result = spawnSync(process.execPath, ['-e', script], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: folder, ...env },
      });
      return result.stdout + result.stderr;
    },
  };
}

describe.runIf(isOurs)('compiled code', () => {
  it('is kept after the first run and used by the next', () => {
    const bundle = smallBundle();
    expect(bundle.run()).toBe('42 function function\n');
    const { ino } = fs.statSync(bundle.compiled);
    expect(bundle.run()).toBe('42 function function\n');
    expect(fs.statSync(bundle.compiled).ino, 'not written again').toBe(ino);
  });

  it('is made anew when it is torn or belongs to another text', () => {
    const bundle = smallBundle();
    bundle.run();
    fs.truncateSync(bundle.compiled, fs.statSync(bundle.compiled).size - 8);
    expect(bundle.run()).toBe('42 function function\n');
    fs.renameSync(
      path.join(bundle.folder, 'chunks', 'a-AAAAAAA1.js'),
      path.join(bundle.folder, 'chunks', 'a-AAAAAAA2.js'),
    );
    const entry = path.join(bundle.folder, 'mlops.js');
    fs.writeFileSync(entry, fs.readFileSync(entry, 'utf8').replace('a-AAAAAAA1.js', 'a-AAAAAAA2.js'));
    fs.writeFileSync(path.join(bundle.folder, 'chunks', 'a-AAAAAAA2.js'), 'exports.double = (n) => n + n + 0;');
    expect(bundle.run()).toBe('42 function function\n');
    expect(fs.readFileSync(bundle.compiled).toString('latin1')).toContain('a-AAAAAAA2.js');
  });

  it('goes to the cache folder of the user where the bundle is read-only, and nowhere when told', () => {
    const bundle = smallBundle();
    fs.writeFileSync(path.join(bundle.folder, 'compiled'), 'no folder');
    const cache = temporaryFolder();
    expect(bundle.run({ XDG_CACHE_HOME: cache })).toBe('42 function function\n');
    expect(fs.readdirSync(path.join(cache, 'mlops', 'compiled'))).toHaveLength(1);
    const other = temporaryFolder();
    bundle.run({ XDG_CACHE_HOME: other, NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(fs.readdirSync(other)).toEqual([]);
  });
});
