import * as fs from 'node:fs';
import * as path from 'node:path';

import { remoteObjects } from '../../data/index.ts';
import type { LineageGraph } from '../../lineage/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { foldersWith } from './contents.ts';
import { folderFiles } from './folder-files.ts';
import { withRemote } from './with-remote.ts';

/** Why something would go: it is what was named, a list that names it, or came of it. */
export type Reason = 'named' | 'lists it' | 'came of it';

interface Doomed {
  readonly path: string;
  readonly reason: Reason;
}

/** By md5: the contents themselves, the manifests of folders that list them, and what stages made of them. */
export function doomedObjects(
  contents: readonly string[],
  graphs: readonly LineageGraph[],
  repo: DataRepo,
): Map<string, Doomed> {
  const found = new Map<string, Doomed>();
  const lists = new Set(contents.flatMap((md5) => foldersWith(repo, md5).map(({ folder }) => folder)));
  // What lies beside it in those folders, or was added by hand, is nobody's result.
  const kept = new Set([...lists].flatMap((folder) => folderFiles(repo, folder).map((file) => file.md5)));
  for (const stage of repo.stages()) {
    if (stage.kind !== 'data') continue;
    for (const { info } of stage.outs)
      if (info?.md5 !== undefined) for (const id of [info.md5, ...digestsIn(repo, info.md5)]) kept.add(id);
  }
  for (const md5 of contents) kept.delete(md5);
  const name = (md5: string): string =>
    graphs.flatMap(({ nodes }) => nodes).find(({ facts }) => facts['md5'] === md5)?.name ?? md5;
  for (const md5 of contents) {
    found.set(md5, { path: name(md5), reason: 'named' });
    for (const file of digestsIn(repo, md5)) found.set(file, { path: name(md5), reason: 'named' });
  }
  for (const md5 of lists) found.set(md5, { path: name(md5), reason: 'lists it' });
  for (const { nodes, edges } of graphs) {
    const made = new Set(edges.flatMap(({ to, relation }) => (relation === 'out' ? [to] : [])));
    for (const { id, kind, name: file, facts } of nodes) {
      const { md5 } = facts;
      if (kind !== 'data' || typeof md5 !== 'string' || !made.has(id) || found.has(md5)) continue;
      for (const one of [md5, ...digestsIn(repo, md5)]) {
        if (!kept.has(one) && !found.has(one)) found.set(one, { path: file, reason: 'came of it' });
      }
    }
  }
  return found;
}

export async function placesOf(
  ids: readonly string[],
  repo: DataRepo,
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const hashName of ['md5', 'md5-dos2unix'] as const) {
    for (const id of ids) if (repo.data.hasObject(id, hashName)) found.get(id)?.push('cache');
  }
  for (const name of repo.config.remoteNames) {
    await withRemote(repo, name, async (store) => {
      for (const hashName of ['md5', 'md5-dos2unix'] as const) {
        const there = await remoteObjects(store, hashName, ids, { jobs: 16, signal });
        for (const id of ids) if (there.has(id)) found.get(id)?.push(name);
      }
    });
  }
  return new Map([...found].map(([id, names]) => [id, [...new Set(names)]]));
}

/** Entries of the run cache are small texts that name what stages read and made. */
export async function runCacheEntries(
  ids: ReadonlySet<string>,
  repo: DataRepo,
  signal: AbortSignal,
): Promise<{ readonly place: string; readonly key: string }[]> {
  const mentions = (text: string): boolean => [...ids].some((id) => text.includes(id));
  const folder = path.join(repo.data.cacheDir, 'runs');
  const names = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const own = names
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .filter((name) => mentions(fs.readFileSync(path.join(folder, name), 'utf8')))
    .map((name) => ({ place: 'cache', key: `runs/${name}` }));
  const far: { place: string; key: string }[] = [];
  for (const name of repo.config.remoteNames) {
    await withRemote(repo, name, async (store) => {
      for await (const { key, size } of store.list('runs/', { signal })) {
        if (size > 1 << 20) continue;
        if (mentions(Buffer.from(await store.read(key, { signal })).toString('utf8'))) far.push({ place: name, key });
      }
    });
  }
  return [...own, ...far];
}

/** What the work tree has of it, but for what was named itself. */
export function workFiles(objects: ReadonlyMap<string, Doomed>, repo: DataRepo): string[] {
  const found = repo.stages().flatMap((stage) =>
    stage.outs.flatMap((out) => {
      const doomed = objects.get(out.info?.md5 ?? '');
      return stage.kind === 'pipeline' && doomed?.reason === 'came of it' && out.path !== undefined ? [out.path] : [];
    }),
  );
  return [...new Set(found)].filter((file) => fs.existsSync(path.join(repo.root, file)));
}

function digestsIn(repo: DataRepo, md5: string): string[] {
  return folderFiles(repo, md5).map((file) => file.md5);
}
