import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { mapPool, messageOf } from '../../base/index.ts';
import { remoteObjects } from '../../data/index.ts';
import { withNodes, type LineageGraph, type LineageNode } from '../../lineage/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { folderFiles } from './folder-files.ts';
import { withRemote } from './with-remote.ts';

export interface PresenceOptions {
  /** Whether remotes are asked. */
  readonly remotes: boolean;
  readonly signal: AbortSignal;
}

/** How long a remote may take to list what it has, in milliseconds. */
const patience = 20_000;

/** Says of data whether the cache and the remotes still have its objects; a folder counts with all of its files. */
export async function withPresence(
  graph: LineageGraph,
  repo: DataRepo,
  options: PresenceOptions,
): Promise<LineageGraph> {
  const wanted = new Map<string, readonly string[]>();
  for (const node of graph.nodes) {
    const md5 = md5Of(node);
    if (md5 !== undefined) wanted.set(md5, [md5, ...folderFiles(repo, md5).map((file) => file.md5)]);
  }
  if (wanted.size === 0) return graph;
  const cache = repo.data.objects('md5');
  const old = repo.data.objects('md5-dos2unix');
  const ids = [...new Set([...wanted.values()].flat())];
  const names = options.remotes ? repo.config.remoteNames : [];
  const remotes = await mapPool(
    names,
    4,
    async (name) => [name, await listed(repo, name, ids, options.signal)] as const,
  );
  return withNodes(graph, (node) => {
    const md5 = md5Of(node);
    const all = md5 === undefined ? undefined : wanted.get(md5);
    // What Git keeps is in no cache.
    if (all === undefined || node.facts['git'] !== undefined) return node;
    const inCache = share(all, (id) => cache.has(id) || old.has(id));
    const inRemotes = remotes.map(
      ([name, ids]) => [name, typeof ids === 'string' ? ids : share(all, (id) => ids.has(id))] as const,
    );
    const isNowhere = inCache === false && inRemotes.every(([, state]) => state === false);
    const inWorkTree = isNowhere && workTreeHas(repo, node);
    const isGone = isNowhere && !inWorkTree;
    const unsure = inCache !== true && inRemotes.some(([, state]) => typeof state === 'string' && !/ of /.test(state));
    const missing = typeof inCache === 'string' && inRemotes.every(([, state]) => state !== true);
    const gaps = [
      ...(isGone
        ? [
            `object ${md5} of '${node.name}' is gone: neither the cache nor ${options.remotes ? 'a remote' : '(remotes were not asked)'} has it`,
          ]
        : []),
      ...(missing ? [`of the files of '${node.name}' the cache has ${inCache}, and no remote has all`] : []),
      ...(unsure ? [`whether a remote has '${node.name}' is not known`] : []),
    ];
    return {
      ...node,
      facts: {
        ...node.facts,
        in_cache: inCache,
        ...(names.length === 0 ? {} : { in_remotes: Object.fromEntries(inRemotes) }),
      },
      gaps: [...node.gaps, ...gaps],
    };
  });
}

function md5Of(node: LineageNode): string | undefined {
  const md5 = node.kind === 'data' ? node.facts['md5'] : undefined;
  return typeof md5 === 'string' ? md5 : undefined;
}

/** Bytes of a file that is read to see whether the work tree still has a content. */
const mostHashed = 256 * 1024 * 1024;

function workTreeHas(repo: DataRepo, { facts }: LineageNode): boolean {
  const file = path.join(repo.root, String(facts['path']));
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > mostHashed) return false;
  return createHash('md5').update(fs.readFileSync(file)).digest('hex') === facts['md5'];
}

/** True, false, or `3 of 4`. */
function share(ids: readonly string[], has: (id: string) => boolean): boolean | string {
  const count = ids.filter(has).length;
  return count === ids.length ? true : count === 0 ? false : `${count} of ${ids.length}`;
}

/** What a remote has of some objects, or why it cannot be asked. */
async function listed(
  repo: DataRepo,
  name: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string> | string> {
  try {
    return await withRemote(repo, name, async (store) => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
      const [now, before] = await Promise.all(
        (['md5', 'md5-dos2unix'] as const).map((hashName) =>
          remoteObjects(store, hashName, ids, { jobs: 16, signal: bounded }),
        ),
      );
      return new Set([...(now ?? []), ...(before ?? [])]);
    });
  } catch (error) {
    signal.throwIfAborted();
    return `cannot be asked: ${messageOf(error)}`;
  }
}
