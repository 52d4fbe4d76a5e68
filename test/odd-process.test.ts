import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { cleanEnv, freshProject, mlops, mlopsBin } from './cli.ts';

/** Runs a line of a shell in which `$MLOPS` is the command. */
function shell(folder: string, line: string): { status: number | null; stderr: string } {
  const env = { ...cleanEnv(path.join(folder, '../home')), MLOPS: `${process.execPath} ${mlopsBin}` };
  return spawnSync('/bin/bash', ['-c', line], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 });
}

it.each(['status', '--help', 'version'])('%s says that its output is full', (verb) => {
  const { status, stderr } = shell(freshProject(), `$MLOPS ${verb} > /dev/full`);
  expect(stderr).toContain('ERROR: the output cannot be written');
  expect(stderr).not.toContain('This is a bug');
  expect(status).toBe(1);
});

it('ends quietly where nobody reads on', () => {
  const folder = freshProject();
  const stages = Array.from({ length: 5000 }, (_, i) => `  s${i}:\n    cmd: echo ${i}\n`).join('');
  fs.writeFileSync(path.join(folder, 'dvc.yaml'), `stages:\n${stages}`);
  const { status, stderr } = shell(folder, '$MLOPS stage list | head -1 > /dev/null; exit ${PIPESTATUS[0]}');
  expect(stderr).toBe('');
  expect([0, 141]).toContain(status);
});

it('needs no folder for temporary files to look at a project', () => {
  const folder = freshProject();
  const { status, stderr } = mlops(folder, ['status'], { env: { TMPDIR: path.join(folder, '../none') } });
  expect(stderr).not.toContain('This is a bug');
  expect(status).toBe(0);
});

it.each([
  ['toml', `a = ${'['.repeat(3000)}${']'.repeat(3000)}\n`],
  ['toml', `a = ${'{b = '.repeat(3000)}1${'}'.repeat(3000)}\n`],
  ['toml', `${Array.from({ length: 3000 }, () => 'a').join('.')} = 1\n`],
  ['toml', `[${Array.from({ length: 3000 }, () => 'a').join('.')}]\nb = 1\n`],
  ['json', `{"a": ${'['.repeat(3000)}${']'.repeat(3000)}}`],
  ['yaml', `a: ${'['.repeat(3000)}${']'.repeat(3000)}\n`],
  ['py', `a = ${'['.repeat(3000)}${']'.repeat(3000)}\n`],
])('refuses 3000 levels in params.%s by the name of the file', (ending, text) => {
  const folder = freshProject();
  fs.writeFileSync(path.join(folder, `params.${ending}`), text);
  fs.writeFileSync(
    path.join(folder, 'dvc.yaml'),
    `stages:\n  one:\n    cmd: x\n    params:\n    - params.${ending}:\n      - a\n`,
  );
  for (const verb of ['status', 'repro']) {
    const { status, stderr } = mlops(folder, [verb]);
    expect(stderr).toContain(`params.${ending}`);
    expect(stderr).not.toContain('This is a bug');
    expect(status, stderr).toBe(verb === 'status' ? 1 : 255);
  }
});
