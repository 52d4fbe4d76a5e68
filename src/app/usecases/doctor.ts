import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';

import { messageOf } from '../../base/index.ts';
import { configLevels, ProjectConfig, tryFindProject, type Project } from '../../project/index.ts';

/** One thing that was looked at, and what to do when it is not well. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly hint?: string;
}

/** What `version` and `doctor` tell about this machine and project. */
export interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly configFiles: Readonly<Record<string, string>>;
  /** Schemes of remotes that can be used. */
  readonly supports: readonly string[];
  readonly project:
    | { readonly root: string; readonly cacheDir: string; readonly remotes: readonly string[]; readonly git: boolean }
    | undefined;
  readonly checks: readonly Check[];
}

/** Looks at what is on this machine; asks nobody. Never throws for what it finds. */
export function diagnose(cwd: string, version: string): Diagnosis {
  const { project, problem } = openGently(cwd);
  const files = new ProjectConfig(undefined, { validate: false }).files;
  const checks = [checkNode(), checkGit(), checkSqlite(), checkLock(), ...projectChecks(project, problem)];
  return {
    version,
    node: process.version,
    platform: `Node ${process.version.slice(1)} on ${os.type()}-${os.release()}-${os.machine()}`,
    configFiles: Object.fromEntries(
      configLevels.flatMap((level) => {
        const file = files[level];
        return file === undefined ? [] : [[level, path.dirname(file)]];
      }),
    ),
    supports: ['http', 'https', 's3'],
    project:
      project === undefined
        ? undefined
        : {
            root: project.root,
            cacheDir: project.cacheDir,
            remotes: project.config.remoteNames.map((name) => project.config.remote(name).url),
            git: project.gitRoot !== undefined,
          },
    checks,
  };
}

/** The project around a folder, or what keeps it from being opened. */
export function openGently(cwd: string): { project: Project | undefined; problem: unknown } {
  try {
    return { project: tryFindProject(cwd), problem: undefined };
  } catch (problem) {
    return { project: undefined, problem };
  }
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { name: 'Node.js', ok, found: process.version, ...(ok ? {} : { hint: 'install Node.js 20.19 or newer' }) };
}

function checkGit(): Check {
  return checkProgram('Git', 'git', ['--version'], 'install Git: without it there is no history and no `repro` record');
}

function checkLock(): Check {
  const flock = checkProgram('flock', 'flock', ['--version'], 'install util-linux');
  if (flock.ok) return flock;
  const perl = checkProgram(
    'perl',
    'perl',
    ['-e', 'print $^V'],
    'install util-linux (flock) or perl: one is needed to lock',
  );
  return { ...perl, name: 'flock or perl' };
}

function checkProgram(name: string, program: string, args: readonly string[], hint: string): Check {
  try {
    const said = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return { name, ok: true, found: said.trim().split('\n')[0] ?? '' };
  } catch {
    return { name, ok: false, found: 'not found', hint };
  }
}

function checkSqlite(): Check {
  try {
    const file = createRequire(import.meta.url).resolve('better-sqlite3/build/Release/better_sqlite3.node');
    return { name: 'SQLite', ok: fs.existsSync(file), found: 'better-sqlite3' };
  } catch {
    const hint = 'run `npm rebuild better-sqlite3` where mlops is installed (needs a C++ compiler)';
    return { name: 'SQLite', ok: false, found: 'the native part of better-sqlite3 is missing', hint };
  }
}

function projectChecks(project: Project | undefined, problem: unknown): Check[] {
  if (problem !== undefined) return [{ name: 'config', ok: false, found: messageOf(problem) }];
  if (project === undefined) return [];
  return [checkWritable('cache', project.cacheDir), checkWritable('workspace', project.root)];
}

/** Looks at the nearest folder that exists. */
function checkWritable(name: string, folder: string): Check {
  let nearest = folder;
  while (!fs.existsSync(nearest) && path.dirname(nearest) !== nearest) nearest = path.dirname(nearest);
  try {
    fs.accessSync(nearest, fs.constants.W_OK);
    return { name, ok: true, found: folder };
  } catch {
    return {
      name,
      ok: false,
      found: `${folder} cannot be written`,
      hint: `check the owner and permissions of '${nearest}'`,
    };
  }
}
