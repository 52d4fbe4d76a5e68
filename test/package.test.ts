import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { cleanEnv, root, temporaryFolder } from './cli.ts';

describe('the package', () => {
  it(
    'installs from its tarball into an empty prefix and runs the demo with Node and Git alone',
    { timeout: 900_000 },
    () => {
      const folder = temporaryFolder('mlops-package-');
      const npmCache = spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).stdout.trim();
      const env = {
        ...process.env,
        ONNXRUNTIME_NODE_INSTALL: 'skip',
        npm_config_cache: npmCache,
        npm_config_loglevel: 'error',
      };
      // dist/ is built already; packing must not rebuild it under the other tests.
      const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
        cwd: root,
        env,
        encoding: 'utf8',
      });
      expect(packed.stderr + packed.stdout.slice(0, 0)).not.toContain('npm error');
      const report = JSON.parse(packed.stdout) as
        | { filename: string; files: { path: string }[] }[]
        | Record<string, { filename: string; files: { path: string }[] }>;
      const { filename, files } = Object.values(report)[0] ?? { filename: '', files: [] };
      const names = files.map((file) => file.path);
      expect(names).toContain('templates/digits/dvc.yaml');
      expect(names.some((name) => /^dist\/.*\.worker\.js$/.test(name))).toBe(true);
      expect(names.filter((name) => name.startsWith('src/') || name.startsWith('test/'))).toEqual([]);

      const prefix = path.join(folder, 'prefix');
      const install = spawnSync(
        'npm',
        [
          'install',
          '--global',
          '--prefix',
          prefix,
          '--prefer-offline',
          '--no-audit',
          '--no-fund',
          path.join(folder, filename),
        ],
        { cwd: folder, env, encoding: 'utf8' },
      );
      expect(install.status, install.stderr).toBe(0);

      // A PATH with two programs: what the README promises to be enough.
      const bin = path.join(folder, 'bin');
      fs.mkdirSync(bin);
      for (const program of ['node', 'git']) fs.symlinkSync(which(program), path.join(bin, program));
      const demoEnv = { ...cleanEnv(path.join(folder, 'home')), PATH: bin, SHELL: '' };
      const demo = spawnSync(
        process.execPath,
        [path.join(prefix, 'lib/node_modules/mlops/bin/mlops.js'), 'demo', '--dir', path.join(folder, 'demo')],
        {
          cwd: folder,
          env: demoEnv,
          encoding: 'utf8',
          timeout: 120_000,
        },
      );
      expect(demo.status, demo.stdout + demo.stderr).toBe(0);
      expect(demo.stdout).toMatch(/\d of 6 held-out digits recognised/);
    },
  );
});

function which(program: string): string {
  return spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
}
