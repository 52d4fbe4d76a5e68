import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The house as data: which room may import which. `docs/architecture.md` explains it; a change here is a
 * decision and needs a record in docs/decisions.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  storage: ['base'],
  git: ['base'],
  project: ['base', 'git'],
  execute: ['base'],
  http: ['base'],
  auth: ['base'],
  model: ['base'],
  mlflow: ['base'],
  monitor: ['base'],
  tune: ['base'],
  plots: ['base'],
  scaffold: ['base'],
  data: ['base', 'storage', 'git'],
  tracking: ['base', 'storage', 'mlflow', 'model'],
  serve: ['base', 'http', 'model', 'monitor', 'auth'],
  migrate: ['base', 'project', 'mlflow', 'tracking'],
  api: ['base', 'http', 'storage', 'tracking', 'mlflow', 'auth', 'monitor'],
  repo: ['base', 'git', 'project', 'data', 'storage', 'execute', 'plots'],
  app: [
    ...['base', 'storage', 'git', 'project', 'execute', 'http', 'auth', 'model', 'mlflow', 'monitor', 'tune', 'plots'],
    ...['scaffold', 'data', 'tracking', 'serve', 'api', 'repo', 'migrate'],
  ],
  cli: [
    ...['base', 'storage', 'git', 'project', 'execute', 'http', 'auth', 'model', 'mlflow', 'monitor', 'tune', 'plots'],
    ...['scaffold', 'data', 'tracking', 'serve', 'api', 'repo', 'migrate', 'app'],
  ],
};

/** Rooms whose files are the face themselves: a verb, or another tool's format, a file. */
const openRooms: ReadonlySet<string> = new Set(['repo', 'migrate', 'app']);

/** Heavy packages, each confined to one file. */
const confined: Readonly<Record<string, string>> = {
  'better-sqlite3': 'src/base/sqlite.ts',
  '@resvg/resvg-wasm': 'src/plots/png.ts',
  commander: 'src/cli/parse/parse.ts',
  chalk: 'src/cli/terminal/style.ts',
  ora: 'src/cli/terminal/terminal.ts',
};
const oneFileOnly = ['@aws-sdk/client-s3', 'onnxruntime-node', 'simple-git', 'execa'];

const root = path.dirname(import.meta.dirname);
const files = fs
  .readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => file.endsWith('.ts') && !file.startsWith('ui/'));

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = fs.readFileSync(path.join(root, 'src', file), 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|import\('([^']+)'\)|^import\s+'([^']+)'|require\('([^']+)'\)|createRequire\(import\.meta\.url\)\('([^']+)'\)/gm,
  );
  return [...found].map((match) => ({
    from: file,
    to: match.slice(2).find((name) => name !== undefined) ?? '',
    typeOnly: match[1] !== undefined,
  }));
}

const all = files.flatMap(importsOf);
const isTest = (file: string): boolean => /\.test\.ts$|(?:^|[-/])contract\.ts$|\/fixtures\//.test(file);

describe('the house', () => {
  it('was seen: the rooms have files and the files have imports', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(all.filter((edge) => edge.to.startsWith('../')).length).toBeGreaterThan(40);
  });

  it('has only rooms that the table names', () => {
    const rooms = new Set(files.map((file) => file.split('/')[0] ?? ''));
    expect([...rooms].filter((room) => mayImport[room] === undefined)).toEqual([]);
  });

  it('imports other rooms only as the table allows, and only through their face', () => {
    const wrong: string[] = [];
    for (const edge of all) {
      if (isTest(edge.from) || !edge.to.startsWith('.')) continue;
      const target = path.posix.normalize(path.posix.join(path.posix.dirname(edge.from), edge.to));
      const own = edge.from.split('/')[0] ?? '';
      const other = target.split('/')[0] ?? '';
      if (own === other || target.startsWith('..')) continue;
      if (mayImport[own]?.includes(other) !== true) wrong.push(`${edge.from} imports ${other}`);
      else if (!openRooms.has(other) && target !== `${other}/index.ts`)
        wrong.push(`${edge.from} reaches into ${target}`);
    }
    expect(wrong).toEqual([]);
  });

  it('keeps each heavy package in one file', () => {
    for (const [name, home] of Object.entries(confined)) {
      const users = all
        .filter((edge) => edge.to === name && !edge.typeOnly && !isTest(edge.from))
        .map((edge) => `src/${edge.from}`);
      expect([...new Set(users)], name).toEqual([home]);
    }
    for (const name of oneFileOnly) {
      const users = new Set(
        all.filter((edge) => edge.to === name && !edge.typeOnly && !isTest(edge.from)).map((edge) => edge.from),
      );
      expect(users.size, `${name} in ${[...users].join(', ')}`).toBeLessThanOrEqual(1);
    }
  });

  it('prints only from the command line', () => {
    const printing = files.filter((file) => {
      if (file.startsWith('cli/') || isTest(file)) return false;
      return /\bconsole\.|process\.std(out|err)\b/.test(fs.readFileSync(path.join(root, 'src', file), 'utf8'));
    });
    expect(printing).toEqual([]);
  });

  it('has files that fit in one head', () => {
    const long = files
      .map((file) => ({ file, lines: fs.readFileSync(path.join(root, 'src', file), 'utf8').split('\n').length }))
      .filter((entry) => entry.lines > 400 && !isTest(entry.file));
    expect(long).toEqual([]);
  });
});
