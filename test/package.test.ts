import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

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
        // What a user has: nothing that keeps install scripts from fetching.
        ONNXRUNTIME_NODE_INSTALL: undefined,
        npm_config_cache: npmCache,
        npm_config_loglevel: 'warn',
      };
      // dist/ is built already; packing must not rebuild it under the other tests.
      shrinkwrap();
      onTestFinished(() => shrinkwrap('--remove'));
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
      expect(names).toContain('dist/ui/index.html');
      for (const pattern of [
        /^dist\/ui\/main-\w+\.js$/,
        /^dist\/ui\/main-\w+\.js\.br$/,
        /^dist\/ui\/style-\w+\.css\.gz$/,
      ]) {
        expect(
          names.some((name) => pattern.test(name)),
          String(pattern),
        ).toBe(true);
      }
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
      expect(install.stderr).not.toContain('EBADENGINE');
      const installed = path.join(prefix, 'lib/node_modules/mlops');
      expectPinned(installed);
      const bindings = fs.readdirSync(path.join(installed, 'node_modules/onnxruntime-node/bin'), { recursive: true });
      const others = bindings
        .map(String)
        .filter((file) => file.endsWith('.node') && !file.includes(`${process.platform}/${process.arch}`));
      expect(others).toEqual([]);
      expect(bindings.map(String).filter((file) => /cuda|tensorrt/.test(file))).toEqual([]);
      // better-sqlite3 leaves some 30 MB of objects where it had to be compiled.
      expect(sizeOf(installed)).toBeLessThan(150e6);

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

function shrinkwrap(...args: string[]): void {
  const result = spawnSync(process.execPath, ['scripts/shrinkwrap.mjs', ...args], { cwd: root, encoding: 'utf8' });
  expect(result.status, result.stderr).toBe(0);
}

/**
 * The package says which versions it was tested with (npm reads that of packages from a registry), and no package that
 * was installed wants a newer Node than we promise.
 */
function expectPinned(installed: string): void {
  interface Entry {
    readonly version: string;
    readonly dev?: boolean;
    readonly engines?: { readonly node?: string };
  }
  const read = (file: string): { packages: Record<string, Entry> } =>
    JSON.parse(fs.readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
  const { packages } = read(path.join(root, 'package-lock.json'));
  const pinned = read(path.join(installed, 'npm-shrinkwrap.json')).packages;
  const needed = Object.keys(packages).filter((name) => packages[name]?.dev !== true);
  expect(Object.keys(pinned)).toEqual(needed);
  for (const name of needed.slice(1)) expect(pinned[name]?.version, name).toBe(packages[name]?.version);
  const folders = fs
    .readdirSync(path.join(installed, 'node_modules'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|node_modules\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(file));
  expect(folders.length).toBeGreaterThan(20);
  for (const file of folders) {
    const own = JSON.parse(fs.readFileSync(path.join(installed, 'node_modules', file), 'utf8')) as Entry;
    const oldest = /^>=\s*(\d+)(?:\.(\d+))?/.exec(own.engines?.node ?? '');
    if (oldest !== null) expect(Number(oldest[1]) * 100 + Number(oldest[2] ?? 0), file).toBeLessThanOrEqual(2019);
  }
}

function sizeOf(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => fs.lstatSync(path.join(folder, file)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function which(program: string): string {
  return spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
}
