/** The project templates as a newcomer meets them: rendered into a folder and run with plain Node. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { listTemplates } from '../src/scaffold/index.ts';
import { listAll, outsOf, read, render, runStages, stagesOf } from './template-project.ts';

let room: string;

beforeAll(() => {
  room = fs.mkdtempSync(path.join(os.tmpdir(), 'templates-'));
});

afterAll(() => fs.rmSync(room, { recursive: true, force: true }));

/** Those that are a choice of languages are walked through in worlds.test.ts. */
const plain = listTemplates().filter(({ languages }) => languages.length === 0);

describe.each(plain.map(({ name }) => name))('template %s', (name) => {
  let folder: string;

  beforeAll(() => {
    folder = render(room, name, 'declared');
  });

  it('declares every file that a stage imports', () => {
    for (const [stage, { cmd, deps }] of stagesOf(folder)) {
      const script = cmd.split(' ')[1] ?? '';
      expect(deps, stage).toEqual(expect.arrayContaining(importsOf(folder, script)));
    }
  });

  it('declares every parameter, and no other', () => {
    const declared = stagesOf(folder).flatMap(([, { params = [] }]) => params);
    expect(declared.sort()).toEqual(leaves(parse(read(folder, 'params.yaml'))).sort());
  });

  it('makes all that its stages declare, and nothing else', () => {
    const before = listAll(folder);
    runStages(folder);
    const outs = stagesOf(folder).flatMap(([, stage]) => outsOf(stage));
    for (const out of outs) expect(fs.existsSync(path.join(folder, out)), out).toBe(true);
    const made = listAll(folder).filter((file) => !before.includes(file));
    expect(made.filter((file) => !outs.some((out) => file === out || file.startsWith(`${out}/`)))).toEqual([]);
  });

  it('makes the same bytes in every run', () => {
    const again = render(room, name, 'again');
    runStages(again);
    for (const file of listAll(folder)) {
      expect(fs.readFileSync(path.join(again, file)).equals(fs.readFileSync(path.join(folder, file))), file).toBe(true);
    }
  });
});

describe('the npm package', () => {
  it('contains every file of every template', () => {
    const repo = path.resolve(import.meta.dirname, '..');
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const [packed] = JSON.parse(execFileSync(npm, args, { cwd: repo, encoding: 'utf8', stdio: 'pipe' })) as [
      { files: { path: string }[] },
    ];
    const templates = path.join(repo, 'templates');
    const files = listAll(templates).map((file) => `templates/${file}`);
    expect(files.length).toBeGreaterThan(20);
    expect(packed.files.map((file) => file.path)).toEqual(expect.arrayContaining(files));
  });
});

/** A script and all that it imports from its own project. */
function importsOf(folder: string, script: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(script)) return [];
  seen.add(script);
  for (const [, file] of read(folder, script).matchAll(/from '(\.[^']+)'/g)) {
    importsOf(folder, path.posix.join(path.posix.dirname(script), file ?? ''), seen);
  }
  return [...seen];
}

/** `{ a: { b: 1 } }` to `['a.b']`. */
function leaves(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, prefix === '' ? key : `${prefix}.${key}`));
}
