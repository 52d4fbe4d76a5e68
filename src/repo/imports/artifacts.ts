import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { gitText } from '../../git/index.ts';
import { openPipelineFile } from '../../project/index.ts';
import { destinationOf } from '../workspace/add-out.ts';
import { copyOut } from '../sources/copy-out.ts';
import { openForeignRepo, type ForeignOptions, type ForeignRepo } from '../sources/foreign-repo.ts';
import { objectUrlIn, requireView } from './get.ts';

export interface ArtifactCommand extends Omit<ForeignOptions, 'rev' | 'chooseRev'> {
  readonly url: string;
  /** `name`, `folder:name` or `folder/dvc.yaml:name`. */
  readonly name: string;
  /** `v1.2.3`; without version and stage the highest one. */
  readonly version?: string | undefined;
  readonly stage?: string | undefined;
  readonly out?: string | undefined;
  readonly force?: boolean;
}

/**
 * Copies an artifact (of the `artifacts` section of a dvc.yaml) as it is at one of its registered versions,
 * which are annotated Git tags: `name@v1.0.0`, `name#stage#1`, `folder=name@v1.0.0`.
 * @throws MlopsError `unknown_stage` when there is no such artifact or version, and those of `get`.
 */
export async function getArtifact(cwd: string, command: ArtifactCommand): Promise<{ count: number; out: string }> {
  return withArtifact(cwd, command, async (repo, file) => {
    const target = destinationOf(cwd, file, command.out, command.force === true);
    const { repo: inner, entry } = await requireView(repo, file);
    return { count: await copyOut(inner, entry, target, command), out: path.relative(cwd, target) };
  });
}

/** Where the remote keeps it. Throws as `getArtifact`, and `no_remote`. */
export async function artifactUrl(cwd: string, command: ArtifactCommand): Promise<string> {
  return withArtifact(cwd, command, (repo, file) => objectUrlIn(repo, file));
}

async function withArtifact<T>(
  cwd: string,
  command: ArtifactCommand,
  work: (repo: ForeignRepo, file: string) => Promise<T>,
): Promise<T> {
  if (command.version !== undefined && command.stage !== undefined) {
    throw new MlopsError('usage', 'Artifact version and stage are mutually exclusive.', { exit: 1 });
  }
  const { folder, name } = splitName(command.name);
  const chooseRev = (gitDir: string): string => findVersion(gitDir, command, folder, name);
  const repo = await openForeignRepo(cwd, command.url, { ...command, chooseRev });
  try {
    return await work(repo, pathOf(repo, command.name, folder, name));
  } finally {
    repo.close();
  }
}

function splitName(given: string): { folder: string; name: string } {
  const match = /^(?:([\w./-]+):)?([a-zA-Z0-9](?:[\w/-]*[a-zA-Z0-9])?)$/.exec(given);
  if (match === null) throw notFound(given);
  const folder = (match[1] ?? '').replace(/(^|\/)dvc\.yaml$/, '').replace(/\/$/, '');
  return { folder, name: match[2] ?? '' };
}

function pathOf(repo: ForeignRepo, given: string, folder: string, name: string): string {
  // The name counts from the top of the Git repository, the files perhaps from a project in a folder of it.
  const inside = path.posix.relative(`/${repo.inGit}`, `/${folder}`);
  if (inside === '..' || inside.startsWith('../')) throw notFound(given);
  const file = path.posix.join(inside, 'dvc.yaml');
  const found: unknown = openPipelineFile(repo.tree, file, { display: (shown) => shown })
    ?.artifacts()
    .get(name);
  const own = found instanceof Map ? (found.get('path') as unknown) : undefined;
  if (typeof own !== 'string') throw notFound(given);
  return path.posix.join(inside, own);
}

const afterArtifact = /(?<=.)(?:#(?<stage>[\w/-]+)|@(?<version>v\d+\.\d+\.\d[\w.+-]*))!?(?:#\d+)?$/;

/** A tag as GTO writes it: `name@v1.2.3`, `name#stage`, `name#stage#7`; undefined for other tags. */
export function readTag(
  tag: string,
): { readonly artifact: string; readonly version: string | undefined; readonly stage: string | undefined } | undefined {
  const match = afterArtifact.exec(tag);
  if (match === null) return undefined;
  return { artifact: tag.slice(0, match.index), version: match.groups?.['version'], stage: match.groups?.['stage'] };
}

/** The commit of a version or stage (the tag made last), or of the highest version. */
function findVersion(gitDir: string, command: ArtifactCommand, folder: string, name: string): string {
  const format = '--format=%(objecttype) %(refname:strip=2)';
  const wanted = folder === '' ? name : `${folder}=${name}`;
  const listed = gitText(gitDir, ['for-each-ref', '--sort=taggerdate', format, 'refs/tags']).split('\n');
  const tags = listed.flatMap((line) => {
    const [type, tag = ''] = line.split(' ');
    const read = readTag(tag);
    // Only annotated tags count.
    return type === 'tag' && read?.artifact === wanted ? [{ tag, ...read }] : [];
  });
  const matching = tags.filter(
    ({ version, stage }) =>
      (command.version === undefined || version === command.version) &&
      (command.stage === undefined || stage === command.stage),
  );
  const latest = matching[matching.length - 1];
  if (command.version !== undefined || command.stage !== undefined) {
    if (latest === undefined) throw notFound(command.name, command);
    return latest.tag;
  }
  const versions = tags.filter((tag): tag is typeof tag & { version: string } => tag.version !== undefined);
  const highest = versions.sort((a, b) => compareVersions(a.version, b.version)).pop();
  if (highest === undefined) throw notFound(command.name);
  return highest.tag;
}

/** Semantic versions with their `v`; a pre-release comes before its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === '' || right.pre === '') return (left.pre === '' ? 1 : 0) - (right.pre === '' ? 1 : 0);
  return comparePreReleases(left.pre.split('.'), right.pre.split('.'));
}

function parse(version: string): { numbers: number[]; pre: string } {
  const match = /^v(\d+)\.(\d+)\.(\d+)(?:-([^+]*))?/.exec(version);
  return { numbers: [match?.[1], match?.[2], match?.[3]].map(Number), pre: match?.[4] ?? '' };
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (isNumber && isOtherNumber) return Number(left) - Number(right);
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

function notFound(name: string, wanted?: Pick<ArtifactCommand, 'version' | 'stage'>): MlopsError {
  const asked = [wanted?.version, wanted?.stage].filter((part) => part !== undefined).join(' ');
  return new MlopsError('unknown_stage', `there is no artifact '${name}'${asked === '' ? '' : ` at ${asked}`}`, {
    hint: 'versions are annotated Git tags such as model@v1.0.0, artifacts are declared in dvc.yaml',
  });
}
