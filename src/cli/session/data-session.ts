import { fromPlain, isMlopsError, MlopsError, pythonJson } from '../../base/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import type { CheckoutReport } from '../../repo/workspace/checkout.ts';
import type { FlagSpec, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface RepoSession {
  /** False for what only looks, where DVC does not lock either. */
  readonly lock?: boolean;
  /** Exit status when the lock cannot be had; otherwise the verb's own for failures. */
  readonly lockedExit?: number;
}

/** Opens the project around the current directory, locked as DVC locks it, for the time of some work. */
export async function withRepo<T>(
  terminal: Terminal,
  work: (repo: DataRepo) => Promise<T>,
  session: RepoSession = {},
): Promise<T> {
  const repo = await openLocked(terminal, session);
  try {
    return await work(repo);
  } finally {
    repo.close();
  }
}

/** The same for what only looks at the project, where DVC takes no lock either. */
export function readRepo<T>(terminal: Terminal, work: (repo: DataRepo) => Promise<T>): Promise<T> {
  return withRepo(terminal, work, { lock: false });
}

/** The same without an end: who asks closes it. */
export async function openLocked(terminal: Terminal, session: RepoSession): Promise<DataRepo> {
  const options = {
    lock: session.lock !== false,
    waitForLock: terminal.waitForLock,
    signal: terminal.signal,
    env: terminal.env,
    onWait: () => terminal.note('waiting for the lock of the project, which another process holds'),
  };
  try {
    return await openDataRepo(terminal.cwd, options);
  } catch (error) {
    if (!isMlopsError(error, 'lock_held') || session.lockedExit === undefined) throw error;
    throw new MlopsError('lock_held', error.message, { ...error, exit: session.lockedExit });
  }
}

/** A line on stdout that DVC leaves out with -q. */
export function say(terminal: Terminal, line: string): void {
  if (!terminal.quiet) terminal.print(line);
}

/** Many lines at once: writing each by itself takes longer than finding them. */
export function sayAll(terminal: Terminal, lines: readonly string[]): void {
  if (lines.length > 0) say(terminal, lines.join('\n'));
}

/** JSON as Python writes it: with spaces, and everything outside of ASCII escaped. */
export function dvcJson(value: unknown): string {
  return pythonJson(fromPlain(value), false);
}

/** DVC's reminder of the files to commit. */
export function sayGitAdd(terminal: Terminal, files: readonly string[]): void {
  if (files.length === 0) return;
  say(terminal, `\nTo track the changes with git, run:\n\n\tgit add ${files.map(shellWord).join(' ')}`);
  say(terminal, '\nTo enable auto staging, run:\n\n\tdvc config core.autostage true');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** `A`, `M` and `D` lines, with the tab that DVC's printer has already expanded. */
export function sayChanges(terminal: Terminal, report: CheckoutReport): void {
  const lines = (letter: string, paths: readonly string[]): string[] =>
    paths.map((shown) => `${letter}       ${shown}`);
  sayAll(terminal, [...lines('M', report.modified), ...lines('A', report.added), ...lines('D', report.deleted)]);
}

/** `2 files fetched and 1 file added`; '' when nothing happened. */
export function summaryOf(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([did, count]) => `${count} file${count === 1 ? '' : 's'} ${did}`);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`;
}

export const targetsArg = {
  name: 'targets',
  summary: 'only these outputs, .dvc files and stages',
  optional: true,
  variadic: true,
  completes: 'target',
} as const;

export const jobsFlag: FlagSpec = {
  name: 'jobs',
  short: 'j',
  value: 'N',
  integer: true,
  summary: 'objects in flight at once',
};

export const remoteFlag: FlagSpec = {
  name: 'remote',
  short: 'r',
  value: 'NAME',
  summary: 'this remote instead of the default one',
  completes: 'remote',
};

export const revisionFlags: readonly FlagSpec[] = [
  { name: 'all-branches', short: 'a', summary: 'of all Git branches too' },
  { name: 'all-tags', short: 'T', summary: 'of all Git tags too' },
  { name: 'all-commits', short: 'A', summary: 'of all Git commits too' },
];

export const selectionFlags: readonly FlagSpec[] = [
  { name: 'with-deps', short: 'd', summary: 'also what the targets depend on' },
  { name: 'recursive', short: 'R', summary: 'everything below the folders among the targets' },
];

export const transferFlags: readonly FlagSpec[] = [jobsFlag, remoteFlag, ...revisionFlags, ...selectionFlags];

/** What these flags say, as the core takes it. */
export function transferOptions(input: Input, terminal: Terminal) {
  return {
    targets: input.args,
    jobs: input.number('jobs'),
    remote: input.text('remote'),
    allBranches: input.on('all-branches'),
    allTags: input.on('all-tags'),
    allCommits: input.on('all-commits'),
    withDeps: input.on('with-deps'),
    recursive: input.on('recursive'),
    signal: terminal.signal,
    onProgress: terminal.progress,
    onWarning: (message: string) => terminal.warn(message),
  };
}

/** What a push or a fetch would move, without moving it; nothing but the remote's listing is asked for. */
export async function tellTransfer(
  repo: DataRepo,
  direction: 'push' | 'fetch',
  input: Input,
  terminal: Terminal,
): Promise<void> {
  const { compareWithRemote } = await import('../../repo/compare/cloud-status.ts');
  const report = await withRemoteFailures(() => compareWithRemote(repo, transferOptions(input, terminal)));
  const wanted = direction === 'push' ? 'new' : 'deleted';
  const names = [...report].flatMap(([name, status]) => (status === wanted ? [name] : []));
  terminal.event({ event: 'result', dry: true, [direction === 'push' ? 'to_push' : 'to_fetch']: names });
  for (const name of names) say(terminal, `would ${direction} ${name}`);
  if (names.length === 0) say(terminal, 'Everything is up to date.');
}

/** Of verbs that bring many outputs, some of which cannot be had. */
export const allowMissingFlag: FlagSpec = {
  name: 'allow-missing',
  summary: 'succeed although some data is missing',
};

export const globFlag: FlagSpec = { name: 'glob', summary: 'targets may hold shell wildcards' };

export const runCacheFlag: FlagSpec = {
  name: 'run-cache',
  negatable: true,
  summary: 'the run cache of the pipelines too',
};

/** Failures of a remote that DVC does not expect where it looks what is there, and ends on with 255. */
export async function withRemoteFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMlopsError(error) || !remoteFailures.has(error.code)) throw error;
    throw new MlopsError(error.code, error.message, { ...error, exit: 255 });
  }
}

const remoteFailures: ReadonlySet<string> = new Set(['remote_denied', 'remote_unreachable', 'bucket_not_found']);

/** DVC warns when neither -r nor a default remote says where to. */
export function warnWithoutRemote(repo: DataRepo, input: Input, terminal: Terminal): void {
  if (input.text('remote') === undefined && repo.defaultRemote === undefined) {
    terminal.warn('No remote provided and no default remote set.');
  }
}

/** DVC's warning about objects that are in neither place. */
export function warnAbsent(terminal: Terminal, absent: readonly string[]): void {
  if (absent.length === 0) return;
  const lines = absent.map((md5) => `\nmd5: ${md5}`);
  terminal.warn(
    `Some of the cache files do not exist neither locally nor on remote. Missing cache files:${lines.join('')}`,
  );
}
