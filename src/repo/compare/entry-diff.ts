import * as fs from 'node:fs';

import { compareCodePoints, isMlopsError } from '../../base/index.ts';
import {
  isDirectoryId,
  missingObjects,
  fileContent,
  readManifest,
  readTree,
  type Content,
  type HashName,
  type WorkOptions,
} from '../../data/index.ts';
import { contentOf } from '../open/content-of.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { absoluteOut, type SelectedOut } from '../open/targets.ts';

/** A tracked file or folder at one moment. */
export interface Entry {
  /** Path inside the project; folders end in a slash. */
  readonly path: string;
  /** Undefined when it was never hashed. */
  readonly md5: string | undefined;
  readonly hashName: HashName;
  /** A folder whose files are not known: its manifest is not in the cache. */
  readonly opaque?: boolean;
}

export type Entries = ReadonlyMap<string, Entry>;

export type ChangeKind = 'added' | 'deleted' | 'modified' | 'unchanged' | 'unknown';

export interface EntryChange {
  readonly kind: ChangeKind | 'renamed';
  readonly old: Entry | undefined;
  readonly new: Entry | undefined;
}

/** By their paths without the slash of folders: a file that became a folder is one thing that was modified. */
export function byName(entries: Entries): Entries {
  return new Map(Array.from(entries.values(), (entry) => [entry.path.replace(/\/$/, ''), entry]));
}

/** What the project's files record of these outs; with `granular` also of the files in folders. */
export function recordedEntries(repo: DataRepo, selected: readonly SelectedOut[], granular: boolean): Entries {
  const entries = new Map<string, Entry>();
  for (const item of selected) {
    const { out, within } = item;
    if (!out.cache || out.path === undefined) continue;
    const content = contentOf(item.out.info) ?? promisedContent(item);
    if (content === undefined) continue;
    const { hashName } = content;
    const isFolder = isDirectoryId(content.md5);
    const root = isFolder ? `${out.path}/` : out.path;
    const files = isFolder && granular ? filesOf(repo, content) : [];
    if (within === undefined) {
      put(entries, { path: root, md5: content.md5, hashName, ...(files === undefined ? { opaque: true } : {}) });
    }
    for (const { relpath, md5 } of files ?? []) {
      if (isWithin(relpath, within)) put(entries, { path: root + relpath, md5, hashName });
    }
  }
  return entries;
}

/** Of an import whose content was never downloaded, what its source had. */
function promisedContent({ stage }: SelectedOut): Content | undefined {
  const [dep, ...more] = stage.deps;
  const info = more.length === 0 && stage.cmd === undefined ? dep?.info : undefined;
  return info?.md5 === undefined ? undefined : { ...info, md5: info.md5 };
}

function filesOf(
  repo: DataRepo,
  content: { md5: string; hashName: HashName },
): { relpath: string; md5: string }[] | undefined {
  try {
    return readManifest(repo.data, content);
  } catch (error) {
    if (isMlopsError(error, 'object_missing') || isMlopsError(error, 'corrupt_object')) return undefined;
    throw error;
  }
}

/** The same of what is in the workspace now. */
export async function workspaceEntries(
  repo: DataRepo,
  selected: readonly SelectedOut[],
  granular: boolean,
  options: WorkOptions = {},
): Promise<Entries> {
  const entries = new Map<string, Entry>();
  for (const { out, within } of selected) {
    if (!out.cache || out.path === undefined) continue;
    const target = absoluteOut(repo, out);
    const hashName = out.info?.hashName ?? 'md5';
    const stat = fs.statSync(target, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (!stat.isDirectory()) {
      const content = await fileContent(repo.data, target, { ...options, hashName });
      put(entries, { path: out.path, md5: content?.md5, hashName });
      continue;
    }
    const tree = await readTree(repo.data, target, { ...options, hashName, skipBroken: true });
    if (within === undefined) put(entries, { path: `${out.path}/`, md5: tree.md5, hashName });
    if (!granular) continue;
    for (const { relpath, md5 } of tree.files()) {
      if (isWithin(relpath, within)) put(entries, { path: `${out.path}/${relpath}`, md5, hashName });
    }
  }
  return entries;
}

function put(entries: Map<string, Entry>, entry: Entry): void {
  entries.set(entry.path, entry);
}

function isWithin(relpath: string, within: string | undefined): boolean {
  return within === undefined || relpath === within || relpath.startsWith(`${within}/`);
}

/** All changes in path order; what moved with equal content comes as one `renamed` at the end. */
export function diffEntries(before: Entries, after: Entries): EntryChange[] {
  const paths = sortPaths(new Set([...before.keys(), ...after.keys()]));
  const opaque = [...before.values()].filter((entry) => entry.opaque === true).map((entry) => entry.path);
  const changes: EntryChange[] = [];
  const added: EntryChange[] = [];
  const deleted: EntryChange[] = [];
  for (const path of paths) {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === undefined && now !== undefined) {
      if (opaque.some((folder) => path.startsWith(folder))) changes.push({ kind: 'unknown', old, new: now });
      else added.push({ kind: 'added', old, new: now });
    } else if (now === undefined) deleted.push({ kind: 'deleted', old, new: now });
    else changes.push({ kind: old?.md5 === now.md5 ? 'unchanged' : 'modified', old, new: now });
  }
  return [...changes, ...pairRenames(added, deleted)];
}

/** Part by part, as DVC: `d/x` comes before `d.txt`. */
function sortPaths(paths: Iterable<string>): string[] {
  const keyed = Array.from(paths, (path) => ({ path, key: path.replace(/\/$/, '').replaceAll('/', '\0') }));
  return keyed.sort((a, b) => compareCodePoints(a.key, b.key)).map(({ path }) => path);
}

function pairRenames(added: readonly EntryChange[], deleted: readonly EntryChange[]): EntryChange[] {
  const byDigest = new Map<string, EntryChange[]>();
  for (const change of deleted) {
    const md5 = change.old?.md5;
    if (md5 !== undefined) byDigest.set(md5, [...(byDigest.get(md5) ?? []), change]);
  }
  const renamed: EntryChange[] = [];
  const gone = new Set<EntryChange>();
  const rest = added.filter((change) => {
    const source = byDigest.get(change.new?.md5 ?? '')?.shift();
    if (source === undefined) return true;
    gone.add(source);
    renamed.push({ kind: 'renamed', old: source.old, new: change.new });
    return false;
  });
  return [...rest, ...deleted.filter((change) => !gone.has(change)), ...renamed];
}

/** The recorded entries whose object the cache lacks. */
export function notInCache(repo: DataRepo, entries: Iterable<Entry>): Entry[] {
  const all = [...entries];
  const lacking = new Map<HashName, Set<string>>();
  for (const hashName of ['md5', 'md5-dos2unix'] as const) {
    const ids = all.filter((entry) => entry.hashName === hashName).flatMap((entry) => entry.md5 ?? []);
    lacking.set(hashName, missingObjects(repo.data, hashName, ids));
  }
  return all.filter((entry) => entry.md5 !== undefined && lacking.get(entry.hashName)?.has(entry.md5) === true);
}
