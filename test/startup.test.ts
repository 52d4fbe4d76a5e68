import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { cleanEnv, freshProject, mlopsBin, root, temporaryFolder } from './cli.ts';

/** The scripts that a command line loads, as V8's coverage counts them: files of ours and of packages. */
function loadedBy(args: readonly string[], cwd: string): { ours: string[]; packages: string[] } {
  const coverage = temporaryFolder('mlops-trace-');
  const env = { ...cleanEnv(path.dirname(cwd)), NODE_V8_COVERAGE: coverage };
  const result = spawnSync(process.execPath, [mlopsBin, ...args], { cwd, env, encoding: 'utf8' });
  expect(result.stderr, args.join(' ')).toBe('');
  const reports = fs
    .readdirSync(coverage)
    .map((name) => JSON.parse(fs.readFileSync(path.join(coverage, name), 'utf8')) as { result: { url: string }[] });
  const files = reports
    .flatMap((report) => report.result.map((script) => script.url))
    .filter((url) => url.startsWith('file:'));
  const relative = files.map((url) => path.relative(root, fileURLToPath(url)));
  const packages = relative
    .filter((file) => file.includes('node_modules/'))
    .map((file) => file.split('node_modules/').at(-1) ?? '');
  return {
    ours: relative.filter((file) => !file.includes('node_modules/')),
    packages: [
      ...new Set(
        packages.map((file) =>
          file
            .split('/')
            .slice(0, file.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
      ),
    ],
  };
}

/** Source files inside the loaded chunks, by the comment that esbuild leaves at the head of each. */
function sourcesIn(chunks: readonly string[]): Set<string> {
  const texts = chunks
    .filter((file) => file.startsWith('dist/'))
    .map((file) => fs.readFileSync(path.join(root, file), 'utf8'));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/^\/\/ (src\/\S+|node_modules\/\S+)$/gm)].map((match) => match[1] ?? '')),
  );
}

describe('start-up', () => {
  it('loads no command and no package for --version', () => {
    const { ours, packages } = loadedBy(['--version'], temporaryFolder());
    expect(ours).toContain('dist/mlops.js');
    expect(packages).toEqual([]);
    const sources = [...sourcesIn(ours)];
    expect(sources.filter((file) => file.startsWith('src/cli/commands/'))).toEqual([]);
    expect(sources.filter((file) => !/^src\/(cli|base)\//.test(file))).toEqual([]);
  });

  it('loads the table and the help, but no command, for --help', () => {
    const { ours, packages } = loadedBy(['--help'], temporaryFolder());
    expect(packages).toEqual([]);
    const sources = [...sourcesIn(ours)];
    expect(sources).toContain('src/cli/entry/help.ts');
    expect(sources.filter((file) => file.startsWith('src/cli/commands/'))).toEqual([]);
    expect(sources.filter((file) => !/^src\/(cli|base)\//.test(file))).toEqual([]);
  });

  it('loads just its own command for status, and none of the heavy packages', () => {
    const { ours, packages } = loadedBy(['status'], freshProject());
    const commands = [...sourcesIn(ours)].filter((file) => file.startsWith('src/cli/commands/'));
    expect(commands).toEqual(['src/cli/commands/status.ts']);
    const heavy = ['@aws-sdk/client-s3', 'onnxruntime-node', 'simple-git', 'execa', 'ora', 'fastify'];
    expect(packages.filter((name) => heavy.includes(name))).toEqual([]);
    const rooms = new Set([...sourcesIn(ours)].map((file) => file.split('/')[1]));
    for (const room of ['serve', 'api', 'tracking', 'model', 'plots', 'scaffold', 'http'])
      expect(rooms).not.toContain(room);
  });
});

describe('called as dvc', () => {
  it('says which DVC it speaks as, and nothing that DVC would not say', () => {
    const folder = freshProject();
    const link = path.join(temporaryFolder(), 'dvc');
    fs.symlinkSync(mlopsBin, link);
    const run = (...args: string[]) => {
      const { stdout, stderr, status } = spawnSync(process.execPath, [link, ...args], {
        cwd: folder,
        env: cleanEnv(path.dirname(folder)),
        encoding: 'utf8',
      });
      return { stdout, stderr, status };
    };
    expect(run('--version')).toEqual({ stdout: '3.67.1\n', stderr: '', status: 0 });
    expect(run('version').stdout).toMatch(/^DVC version: 3\.67\.1 \(npm\)\n/);
    fs.writeFileSync(path.join(folder, 'dvc.yaml'), 'stages:\n  a:\n    cmd: echo a > a\n    outs: [a]\n');
    expect(run('repro')).toMatchObject({ status: 0, stderr: '' });
  });
});
