import { findGitRoot, gitState, gitText, listCommits, listRefHashes, runGit } from '../../git/index.ts';
import { requireGit, resolveProjectRevision } from './revisions.ts';

/** An experiment as Git keeps it: `refs/exps/<baseline[:2]>/<baseline[2:]>/<name>`. */
export interface ExperimentRef {
  readonly name: string;
  /** Commit that it started from. */
  readonly baseline: string;
  /** Its own commit; undefined when only a remote has it. */
  readonly commit: string | undefined;
}

const refPattern = /^refs\/exps\/([0-9a-f]{2})\/([0-9a-f]{38})\/([^/]+)$/;

/** The experiments of this repository, by baseline and name. */
export function listExperimentRefs(root: string): ExperimentRef[] {
  return parseRefs(listRefHashes(root, 'refs/exps/'));
}

/** The experiments that a Git remote (name or URL) holds. */
export function listRemoteExperimentRefs(root: string, remote: string): ExperimentRef[] {
  const text = gitText(root, ['ls-remote', '--', remote, 'refs/exps/*']);
  const names = text === '' ? [] : text.split('\n').map((line) => line.split('\t')[1] ?? '');
  return parseRefs(new Map(names.map((name) => [name, undefined])));
}

function parseRefs(refs: ReadonlyMap<string, string | undefined>): ExperimentRef[] {
  return [...refs].flatMap(([ref, commit]) => {
    const match = refPattern.exec(ref);
    return match === null ? [] : [{ name: match[3] ?? '', baseline: `${match[1]}${match[2]}`, commit }];
  });
}

export interface BaselineChoice {
  /** Revisions; HEAD when nothing else is chosen. */
  readonly revisions?: readonly string[];
  /** So many commits back from each revision; negative: all. */
  readonly count?: number;
  readonly allBranches?: boolean;
  readonly allTags?: boolean;
  readonly allCommits?: boolean;
}

/** Commits that experiments are asked for of, each once, in order. */
export function selectBaselines(root: string, choice: BaselineChoice): string[] {
  requireGit(root);
  const { revisions = [], allBranches = false, allTags = false, allCommits = false, count = 1 } = choice;
  if (allCommits) return listCommits(root);
  const wanted = revisions.length > 0 || allBranches || allTags ? revisions : ['HEAD'];
  const branches = allBranches ? refNames(root, 'refs/heads/') : [];
  const tips = [...wanted, ...branches].flatMap((name) =>
    firstParents(root, resolveProjectRevision(root, name), count),
  );
  const tags = allTags ? refNames(root, 'refs/tags/').map((name) => resolveProjectRevision(root, name)) : [];
  return unique([...tips, ...tags]);
}

/** A commit and its first parents, `count` in all. */
function firstParents(root: string, commit: string, count: number): string[] {
  if (count === 0) return [];
  const limit = count < 0 ? [] : [`--max-count=${count}`];
  return lines(gitText(root, ['rev-list', '--first-parent', ...limit, commit]));
}

/** An experiment's own commits, newest first: one, or several for those with checkpoints. */
export function experimentCommits(root: string, ref: ExperimentRef): string[] {
  if (ref.commit === undefined) return [];
  return lines(gitText(root, ['rev-list', '--first-parent', ref.commit, `^${ref.baseline}`]));
}

/** How commits are called: by the branch that is checked out, else a tag, else a branch. */
export function describeCommits(root: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  if (findGitRoot(root) === undefined) return names;
  const format = '--format=%(objectname) %(*objectname) %(refname:strip=2)';
  for (const prefix of ['refs/tags/', 'refs/heads/']) {
    for (const line of lines(gitText(root, ['for-each-ref', format, prefix]))) {
      const [object = '', peeled = '', ...name] = line.split(' ');
      const commit = peeled === '' ? object : peeled;
      if (!names.has(commit)) names.set(commit, name.join(' '));
    }
  }
  const { commit, branch } = gitState(root);
  if (commit !== undefined && branch !== undefined) names.set(commit, branch);
  return names;
}

/** When commits were made, in seconds since 1970, from one call. */
export function commitTimes(root: string, commits: readonly string[]): ReadonlyMap<string, number> {
  if (commits.length === 0) return new Map();
  const args = ['log', '--no-walk=unsorted', '--format=%H %ct', '--stdin'];
  const text = runGit(root, args, { input: `${unique(commits).join('\n')}\n` })
    .stdout.toString('utf8')
    .trim();
  return new Map(
    lines(text).map((line) => {
      const [commit = '', seconds = '0'] = line.split(' ');
      return [commit, Number(seconds)];
    }),
  );
}

function refNames(root: string, prefix: string): string[] {
  return [...listRefHashes(root, prefix).keys()].map((name) => name.slice(prefix.length)).sort();
}

function lines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}
