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
  trust: ['base', 'git'],
  project: ['base', 'git', 'trust'],
  execute: ['base'],
  http: ['base'],
  auth: ['base'],
  deliver: ['base'],
  model: ['base'],
  mlflow: ['base'],
  tables: ['base'],
  pictures: ['base'],
  monitor: ['base', 'tables'],
  quality: ['base', 'project', 'tables', 'monitor'],
  tune: ['base'],
  plots: ['base'],
  lineage: ['base', 'plots'],
  scaffold: ['base'],
  data: ['base', 'storage', 'git', 'trust'],
  tracking: ['base', 'storage', 'mlflow', 'model', 'tune', 'deliver', 'auth'],
  serve: ['base', 'http', 'model', 'pictures', 'monitor', 'auth'],
  migrate: ['base', 'project', 'mlflow', 'tracking'],
  api: ['base', 'http', 'storage', 'tracking', 'mlflow', 'auth', 'monitor', 'tune', 'deliver'],
  repo: ['base', 'git', 'trust', 'project', 'data', 'storage', 'execute', 'plots'],
  app: [
    ...['base', 'storage', 'git', 'trust', 'project', 'execute', 'http', 'auth', 'model', 'mlflow', 'monitor', 'tune'],
    'deliver',
    ...[
      'tables',
      'pictures',
      'quality',
      'plots',
      'lineage',
      'scaffold',
      'data',
      'tracking',
      'serve',
      'api',
      'repo',
      'migrate',
    ],
  ],
  cli: [
    ...['base', 'storage', 'git', 'trust', 'project', 'execute', 'http', 'auth', 'model', 'mlflow', 'monitor', 'tune'],
    'deliver',
    ...[
      'tables',
      'pictures',
      'quality',
      'plots',
      'lineage',
      'scaffold',
      'data',
      'tracking',
      'serve',
      'api',
      'repo',
      'migrate',
      'app',
    ],
  ],
};

/** The sub-rooms of large rooms, in order: one imports only what stands above it in its list. */
const subRooms: Readonly<Record<string, readonly string[]>> = {
  storage: ['port', 'web', 'http', 's3', 'local', 'open'],
  project: ['yaml', 'settings', 'template', 'params', 'config', 'ignore', 'files', 'open'],
  data: ['ids', 'index', 'jobs', 'context', 'workspace', 'remote'],
  serve: [
    ...['wire', 'boxes', 'processing', 'models', 'traffic', 'python', 'running', 'steering', 'protocols', 'numbers'],
    ...['cluster', 'grpc', 'routes'],
  ],
  repo: [
    ...['guard', 'open', 'sources', 'stages', 'workspace', 'imports', 'sync', 'compare', 'pipeline', 'reports'],
    ...['worktrees', 'experiments', 'setup'],
  ],
  app: [
    'places',
    'endpoint',
    'recording',
    'registry',
    'runs',
    'monitor',
    'quality',
    'traffic',
    'alerting',
    'tuning',
    'lineage',
    'usecases',
  ],
  cli: ['terminal', 'parse', 'tables', 'session', 'commands', 'entry'],
};

/** Rooms whose files are the face themselves: a verb, or another tool's format, a file. */
const openRooms: ReadonlySet<string> = new Set(['repo', 'migrate', 'app']);

/** Heavy packages, each confined to one file. */
const confined: Readonly<Record<string, string>> = {
  'better-sqlite3': 'src/base/sqlite.ts',
  pg: 'src/tracking/postgres/pool.ts',
  '@resvg/resvg-wasm': 'src/plots/png.ts',
  commander: 'src/cli/parse/parse.ts',
  chalk: 'src/cli/terminal/style.ts',
  ora: 'src/cli/terminal/create-terminal.ts',
};
const oneFileOnly = [
  '@aws-sdk/client-s3',
  '@grpc/grpc-js',
  'onnxruntime-node',
  'hyparquet',
  'sharp',
  'hyparquet-compressors',
  'simple-git',
  'execa',
];

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
const targetOf = (edge: Import): string =>
  path.posix.normalize(path.posix.join(path.posix.dirname(edge.from), edge.to));
/** Imports of own files by what is no test; those of types count. */
const own = all
  .filter((edge) => edge.to.startsWith('.') && !isTest(edge.from))
  .map((edge) => ({ from: edge.from, to: targetOf(edge) }))
  .filter((edge) => !edge.to.startsWith('..'));

/** What runs in the browser: a program of its own, which shares only types with the server. */
const uiFiles = fs
  .readdirSync(path.join(root, 'src/ui'), { recursive: true, encoding: 'utf8' })
  .map((file) => `ui/${file.split(path.sep).join('/')}`)
  .filter((file) => /\.tsx?$/.test(file));
const uiSubRooms = ['words.ts', 'kit', 'charts', 'table', 'pages', 'main.tsx'];
const uiPackages = ['preact', 'preact/hooks', 'uplot', 'marked'];

describe('the house of the web UI', () => {
  const edges = uiFiles.flatMap(importsOf).map((edge) => ({ ...edge, target: targetOf(edge) }));

  it('knows nothing of the server but the types of what it is answered', () => {
    expect(uiFiles.length).toBeGreaterThan(20);
    const wrong = edges.filter(({ to, target, typeOnly }) => {
      if (!to.startsWith('.')) return !uiPackages.includes(to);
      return !target.startsWith('ui/') && !(typeOnly && target === 'api/ui/wire.ts');
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
    expect(importsOf('api/ui/wire.ts')).toEqual([]);
  });

  it('has parts that import only what stands before them, no circles, and files that fit in one head', () => {
    const partOf = (file: string): number => uiSubRooms.indexOf(file.split('/')[1] ?? '');
    const inside = edges.filter(({ to, target }) => to.startsWith('.') && target.startsWith('ui/'));
    const wrong = inside.filter(({ from, target }) => partOf(target) < 0 || partOf(target) > partOf(from));
    expect(wrong.map(({ from, target }) => `${from} imports ${target}`)).toEqual([]);
    expect(circles(inside.map(({ from, target }) => ({ from, to: target })))).toEqual([]);
    const folders = new Map<string, number>();
    for (const file of uiFiles) {
      expect(fs.readFileSync(path.join(root, 'src', file), 'utf8').split('\n').length, file).toBeLessThan(400);
      const folder = path.posix.dirname(file);
      folders.set(folder, (folders.get(folder) ?? 0) + 1);
    }
    expect([...folders].filter(([, count]) => count > 28)).toEqual([]);
  });

  it('has no way for text to become markup, and speaks only from words.ts', () => {
    const markup =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySet|\beval\(|new Function|srcdoc/i;
    for (const file of uiFiles) expect(fs.readFileSync(path.join(root, 'src', file), 'utf8'), file).not.toMatch(markup);
    // Text between tags that begins with a capital letter is for people.
    const spoken = uiFiles
      .filter((file) => file.endsWith('.tsx'))
      .flatMap(
        (file) => fs.readFileSync(path.join(root, 'src', file), 'utf8').match(/^\s+[A-Z][a-z]+ [a-z ]+\.?$/gm) ?? [],
      );
    expect(spoken).toEqual([]);
  });
});

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

  it('has only sub-rooms that the table names, and files outside of them only as a face', () => {
    const wrong = files.filter((file) => {
      const [room = '', sub = '', ...below] = file.split('/');
      const known = subRooms[room];
      if (known === undefined) return false;
      return below.length === 0 ? sub !== 'index.ts' : !known.includes(sub) || below.length > 1;
    });
    expect(wrong).toEqual([]);
  });

  it('imports sub-rooms only downwards, types too', () => {
    const wrong = own.filter(({ from, to }) => {
      const [room = '', sub = '', ...below] = from.split('/');
      const order = subRooms[room];
      const [otherRoom, otherSub = ''] = to.split('/');
      if (order === undefined || otherRoom !== room || below.length === 0) return false;
      return !order.includes(otherSub) || order.indexOf(otherSub) > order.indexOf(sub);
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('has no file that comes to itself by its imports, types and late imports among them', () => {
    expect(circles(own)).toEqual([]);
  });

  it('has folders that one can look through', () => {
    const counts = new Map<string, number>();
    for (const file of files) {
      if (isTest(file)) continue;
      const folder = path.posix.dirname(file);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    expect([...counts].filter(([folder, count]) => count > 28 && folder !== 'cli/commands')).toEqual([]);
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

  it('has rooms that open with what they own and what they never do', () => {
    const silent = [...new Set(files.map((file) => file.split('/')[0] ?? ''))].filter((room) => {
      const index = path.join(root, 'src', room, 'index.ts');
      return !/^\/\*\*\n(?: \* .+\n)+ \*\n(?: \* .+\n)* \* Never: /.test(fs.readFileSync(index, 'utf8'));
    });
    expect(silent).toEqual([]);
  });

  it('prints only from the terminal of the command line and its entry', () => {
    const printing = files.filter((file) => {
      if (/^cli\/(?:entry|terminal)\//.test(file) || isTest(file)) return false;
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

/** One way round each circle of imports, as text. */
function circles(edges: readonly { readonly from: string; readonly to: string }[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const trail: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    const at = trail.indexOf(file);
    if (at >= 0) found.push([...trail.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    trail.push(file);
    for (const to of next.get(file) ?? []) visit(to);
    trail.pop();
    done.add(file);
  };
  for (const file of next.keys()) visit(file);
  return found;
}
