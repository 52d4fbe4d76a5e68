/**
 * The twin harness: the same story is told to real DVC and to `mlops` in two folders, and after each step
 * everything that a user, a colleague or a program could see must be the same.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect } from 'vitest';
import { command, mlops, temporaryFolder, type Outcome } from './cli.ts';

export interface TwinOptions {
  /** Path of the real DVC. */
  readonly dvc: string;
  /** Further environment of both. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Begin with `git init` and `init` done. Default true. */
  readonly init?: boolean;
}

export interface StepOptions {
  /** Texts of stdout are not compared (where the word of the tool itself is in it). */
  readonly anyStdout?: boolean;
  /** Trees are not compared: where ours deliberately does another thing, which the story then checks itself. */
  readonly anyTree?: boolean;
  /**
   * DVC goes through a Python set here, whose order is another one in every process: lines of stdout and lists in JSON
   * are compared without their order, and so are `dvc.lock` and `.gitignore` from here on (appended to as stages run).
   */
  readonly anyOrder?: boolean;
  readonly input?: string;
  /** Folder inside the project to run in. */
  readonly in?: string;
  /** Further environment of this step. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** One side's folder: `base` holds the project and what stands beside it (remotes, other repositories). */
export interface Side {
  readonly name: 'dvc' | 'mlops';
  readonly base: string;
  readonly project: string;
}

export interface Twin {
  readonly sides: readonly [Side, Side];
  /** Runs `dvc ARGS` and `mlops ARGS`, compares, and gives back what ours said. */
  run(args: readonly string[], options?: StepOptions): Outcome;
  /** Real DVC in both folders, to get to where a story begins. */
  dvc(...args: string[]): void;
  /** The same change by hand in both folders. */
  change(edit: (project: string, side: Side) => void): void;
  write(file: string, content: string | Uint8Array, mode?: number): void;
  remove(file: string): void;
  git(...args: string[]): void;
  /** Each tool judges the folder that the other one made. */
  judge(): void;
}

/** Opens twin folders, removed after the test. */
export function openTwin(options: TwinOptions): Twin {
  const folder = temporaryFolder('twin-');
  const side = (name: Side['name']): Side => {
    const base = path.join(folder, name);
    const project = path.join(base, 'project');
    fs.mkdirSync(project, { recursive: true });
    return { name, base, project };
  };
  const sides: readonly [Side, Side] = [side('dvc'), side('mlops')];
  const env = { ...fixedDates, ...fixedHashes, COLUMNS: '80', ...options.env };
  const runBoth = (args: readonly string[], step: StepOptions): [Outcome, Outcome] => {
    const each = (own: Side, tool: Side['name']): Outcome => {
      const cwd = path.join(own.project, step.in ?? '');
      const all = {
        ...env,
        DVC_SITE_CACHE_DIR: path.join(own.base, 'site'),
        HOME: path.join(own.base, 'home'),
        ...step.env,
      };
      return tool === 'dvc'
        ? command(cwd, options.dvc, args, { env: all })
        : mlops(cwd, args, { env: all, input: step.input ?? '' });
    };
    return [each(sides[0], 'dvc'), each(sides[1], 'mlops')];
  };
  let linesInAnyOrder = false;
  const twin: Twin = {
    sides,
    run(args, step = {}) {
      const [theirs, ours] = runBoth(args, step);
      compareOutcomes(args, [theirs, ours], sides, step);
      if (step.anyOrder === true) linesInAnyOrder = true;
      if (step.anyTree !== true) compareTrees(args.join(' '), sides, linesInAnyOrder);
      return ours;
    },
    dvc(...args) {
      for (const own of sides) {
        const all = { ...env, DVC_SITE_CACHE_DIR: path.join(own.base, 'site'), HOME: path.join(own.base, 'home') };
        const result = command(own.project, options.dvc, args, { env: all });
        expect(result.status, result.stderr).toBe(0);
      }
    },
    change(edit) {
      for (const own of sides) edit(own.project, own);
    },
    write(file, content, mode) {
      for (const { project } of sides) {
        const target = path.join(project, file);
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.writeFileSync(target, content);
        if (mode !== undefined) fs.chmodSync(target, mode);
      }
    },
    remove(file) {
      for (const { project } of sides) fs.rmSync(path.join(project, file), { recursive: true });
    },
    git(...args) {
      for (const { project } of sides) {
        const result = command(project, 'git', args, { env });
        expect(result.status, result.stderr).toBe(0);
      }
    },
    judge() {
      for (const args of judgements) {
        for (const own of sides) {
          const all = { ...env, DVC_SITE_CACHE_DIR: path.join(own.base, 'site'), HOME: path.join(own.base, 'home') };
          const theirs = command(own.project, options.dvc, args, { env: all });
          const ours = mlops(own.project, args, { env: all });
          compareOutcomes([...args, `(in the folder of ${own.name})`], [theirs, ours], [own, own], {});
        }
      }
    },
  };
  if (options.init !== false) {
    twin.git('init', '-q', '-b', 'main');
    twin.dvc('init', '-q');
  }
  return twin;
}

/** DVC writes much in the order of Python's sets: one seed, so that a story has one outcome. */
const fixedHashes = { PYTHONHASHSEED: '0' };
const fixedDates = { GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z' };

function compareOutcomes(
  args: readonly string[],
  [theirs, ours]: readonly [Outcome, Outcome],
  sides: readonly [Side, Side],
  step: StepOptions,
): void {
  const shown = `${args.join(' ')}\n--- dvc: ${theirs.stdout}${theirs.stderr}\n--- mlops: ${ours.stdout}${ours.stderr}\n---`;
  expect({ status: ours.status }, `exit status of ${shown}`).toEqual({ status: theirs.status });
  if (step.anyStdout === true) return;
  const said = [neutral(theirs.stdout, sides[0]), neutral(ours.stdout, sides[1])] as const;
  // DVC always lists these from Python sets.
  const anyOrder =
    step.anyOrder === true ||
    ['data', 'du', 'list-url', 'update'].includes(args[0] ?? '') ||
    (args[0] === 'status' && args.includes('-c'));
  if (args.includes('--json') && theirs.status === 0 && said[0].trim() !== '') {
    const [a, b] = said.map((text) => (anyOrder ? sorted(JSON.parse(text)) : JSON.parse(text)) as unknown);
    expect(b, `JSON of ${shown}`).toEqual(a);
  } else if (anyOrder) {
    expect(said[1].split('\n').sort(), `stdout of ${shown}`).toEqual(said[0].split('\n').sort());
  } else expect(said[1], `stdout of ${shown}`).toBe(said[0]);
}

/** The same JSON with every list in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
}

/** Text without what differs by nature: the folder of the side, random order. */
function neutral(text: string, side: Side): string {
  // DVC keeps these file names in a Python set, whose order changes from run to run.
  const sorted = text.replace(
    /^\tgit add (.*)$/gm,
    (_, files: string) => `\tgit add ${files.split(' ').sort().join(' ')}`,
  );
  return sorted.replaceAll(side.base, '<BASE>');
}

function compareTrees(label: string, sides: readonly [Side, Side], linesInAnyOrder: boolean): void {
  const [theirs, ours] = sides.map((side) => {
    const entries = Object.entries(snapshot(side));
    return Object.fromEntries(entries.map(([name, text]) => [name, linesInAnyOrder ? ordered(name, text) : text]));
  });
  expect(ours, `files after: ${label}`).toEqual(theirs);
}

/** The same, whichever stage ran first. */
function ordered(name: string, text: string): string {
  // The last stage or line would keep the end of the file, wherever it is sorted to, and the first the mode before it.
  const parts = text.trimEnd().replace(/ /, '\n');
  if (name.endsWith('dvc.lock'))
    return parts
      .split(/\n(?= {2}\S)/)
      .sort()
      .join('\n');
  return name.endsWith('.gitignore') ? parts.split('\n').sort().join('\n') : text;
}

/** Private to each tool, or different by nature. */
const privatePaths =
  /^(project\/(.+\/)?\.mlops|[^/]+\/(.+\/)?\.dvc\/tmp|site|home|[^/]+\/\.git|project\/\.dvc\/cache\/fs)(\/|$)|\/\.[\w-]{20,}\.tmp$/;

/**
 * Everything below a side's folder: mode and content of workspace files (links by where they lead),
 * the text of metafiles, names and modes of objects in caches and remotes.
 */
export function snapshot(side: Side): Record<string, string> {
  const seen: Record<string, string> = {};
  const visit = (relative: string): void => {
    for (const entry of fs.readdirSync(path.join(side.base, relative), { withFileTypes: true })) {
      const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (privatePaths.test(name)) continue;
      if (entry.isDirectory()) {
        const isEmpty = fs.readdirSync(path.join(side.base, name)).length === 0;
        // `init` makes the folder of plot templates, as DVC 1 and 2 did, so that one can be written into it.
        if (isEmpty && name.endsWith('/.dvc/plots')) continue;
        if (isEmpty) seen[`${name}/`] = 'empty folder';
        else visit(name);
      } else seen[name] = describeFile(side, name, entry);
    }
  };
  visit('');
  return seen;
}

const metafile = /(\.dvc|dvc\.yaml|dvc\.lock|\.gitignore|\.dvcignore|\.dvc\/config(\.local)?)$/;
const object = /(^|\/)(files\/md5\/)?[0-9a-f]{2}\/[0-9a-f]{30}(\.dir)?$|\/runs\/[0-9a-f]{2}\//;

function describeFile(side: Side, name: string, entry: fs.Dirent): string {
  const file = path.join(side.base, name);
  if (entry.isSymbolicLink()) return `link to ${neutral(fs.readlinkSync(file), side)}`;
  if (!entry.isFile()) return 'special';
  const stat = fs.statSync(file);
  const mode = (stat.mode & 0o777).toString(8);
  if (object.test(name)) return `object ${name.includes('/runs/') ? '' : mode}`;
  const content = fs.readFileSync(file);
  if (metafile.test(name)) return `${mode} ${neutral(content.toString('utf8'), side)}`;
  const links = stat.nlink > 1 ? ' linked' : '';
  return `${mode}${links} ${stat.size} ${createHash('md5').update(content).digest('hex')}`;
}

/** What each tool is asked about the other's folder. */
const judgements: readonly string[][] = [['status'], ['status', '--json'], ['data', 'status', '--json']];
