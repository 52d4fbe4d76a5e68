import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { findObject } from '../../data/index.ts';
import { gitText, tryResolveRevision } from '../../git/index.ts';
import type { LineageGraph } from '../../lineage/index.ts';
import { forgetRecords } from '../../monitor/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { artifactDigest, artifactFiles } from '../registry/artifact-files.ts';
import { contentsOf } from './contents.ts';
import { doomedObjects, placesOf, runCacheEntries, workFiles, type Reason } from './doomed-objects.ts';
import { folderFiles } from './folder-files.ts';
import type { Places } from './name-thing.ts';
import { ProjectStates } from './project-states.ts';
import { lineage } from './lineage.ts';
import { idsIn, rowColumn } from './rows.ts';

export interface ForgetPlan {
  readonly name: string;
  /** Contents that were named: all that the path had in any commit, or those that hold the rows. */
  readonly contents: readonly string[];
  readonly rows: readonly string[];
  /** What tells the rows apart; undefined where none were named. */
  readonly column: string | undefined;
  /** Objects with the places that have them: `cache`, and remotes by name. */
  readonly objects: readonly {
    readonly md5: string;
    readonly path: string;
    readonly reason: Reason;
    readonly places: readonly string[];
  }[];
  /** Entries of the run cache that name one of them, by place. */
  readonly runCache: readonly { readonly place: string; readonly key: string }[];
  /** Files of the work tree that came of it and are made again by `repro`. */
  readonly files: readonly string[];
  readonly artifacts: readonly { readonly uri: string; readonly path: string }[];
  /** Models that came of it: deleted, to be trained again. */
  readonly versions: readonly {
    readonly name: string;
    readonly version: string;
    readonly stage: string | null;
    readonly aliases: readonly string[];
  }[];
  /** Records of the prediction log that hold it. */
  readonly records: number;
  /** Answers of those models, which stay. */
  readonly answered: number;
  /** What keeps the plan from being applied. */
  readonly blockers: readonly string[];
}

export interface ForgetRequest {
  /** A path, an md5. */
  readonly thing: string;
  /** Only contents with these rows, by the column that stages name as `meta.row_id`, or `column`. */
  readonly rows: readonly string[];
  readonly column?: string | undefined;
  readonly signal: AbortSignal;
}

/** What would have to go, or be made again, for a content to be forgotten. Nothing is changed. */
export async function planForget(
  request: ForgetRequest,
  places: Places & { readonly repo: DataRepo; readonly store: TrackingStore | undefined },
): Promise<ForgetPlan> {
  const { repo, store, log } = places;
  const { signal } = request;
  const named = await namedContents(request, places);
  const graphs: LineageGraph[] = [];
  for (const md5 of named.contents) {
    graphs.push(await lineage(`md5:${md5}`, places, { direction: 'down', remotes: false, signal }));
  }
  const objects = doomedObjects(named.contents, graphs, repo);
  const ids = new Set(objects.keys());
  const where = await placesOf([...ids], repo, signal);
  const versions = graphs.flatMap(({ nodes }) =>
    nodes.flatMap(({ kind, facts }) => {
      if (kind !== 'version' || facts['version'] === undefined) return [];
      const {
        model,
        version,
        stage = null,
        aliases = [],
      } = facts as unknown as {
        model: string;
        version: string;
        stage?: string;
        aliases?: readonly string[];
      };
      return [{ name: model, version, stage, aliases }];
    }),
  );
  const texts = [...named.contents.map((md5) => md5.slice(0, 32)), ...recordTexts(request, named.column)];
  return {
    name: request.thing,
    contents: named.contents,
    rows: request.rows,
    column: named.column,
    objects: [...objects].map(([md5, { path: file, reason }]) => ({
      md5,
      path: file,
      reason,
      places: where.get(md5) ?? [],
    })),
    runCache: await runCacheEntries(ids, repo, signal),
    files: workFiles(objects, repo),
    artifacts: store === undefined ? [] : await doomedArtifacts(ids, graphs, store),
    versions: [...new Map(versions.map((one) => [`${one.name}/${one.version}`, one])).values()],
    records: await forgetRecords(log, texts, false),
    answered: graphs
      .flatMap(({ nodes }) => nodes)
      .reduce((sum, { kind, facts }) => sum + (kind === 'prediction' ? Number(facts['count'] ?? 0) : 0), 0),
    blockers: blockersOf(named, repo),
  };
}

/** What the bytes of a record hold where it is of one of the rows. */
export function recordTexts({ rows }: Pick<ForgetRequest, 'rows'>, column: string | undefined): string[] {
  if (column === undefined) return [];
  const key = JSON.stringify(column);
  return rows.flatMap((row) => [
    `${key}:${JSON.stringify(row)}`,
    ...(/^-?\d{1,15}$/.test(row) ? [`${key}:${row},`, `${key}:${row}}`] : []),
  ]);
}

interface Named {
  readonly contents: readonly string[];
  readonly path: string | undefined;
  readonly column: string | undefined;
}

async function namedContents(
  request: ForgetRequest,
  { repo, cwd }: Places & { readonly repo: DataRepo },
): Promise<Named> {
  const { thing, rows } = request;
  if (/^[0-9a-f]{32}(?:\.dir)?$/.test(thing)) return { contents: [thing], path: undefined, column: undefined };
  const inside = path.relative(repo.root, path.resolve(cwd, thing)).split(path.sep).join('/');
  const all = contentsOf(new ProjectStates(repo), inside, revisionsOf(repo));
  if (all.length === 0) {
    throw new MlopsError('resource_missing', `no commit and no .dvc file here has ever had '${thing}'`, {
      hint: 'name a path as DVC tracks it (also one inside of a folder), or an md5',
    });
  }
  if (rows.length === 0) return { contents: all, path: inside, column: undefined };
  const column = request.column ?? rowColumn(repo, inside);
  const wanted = new Set(rows);
  const holding: string[] = [];
  for (const md5 of all) {
    const file = findObject(repo.data.cacheDir, md5);
    if (file === undefined) {
      throw new MlopsError(
        'object_missing',
        `${md5} of '${thing}' is not in the cache: whether it has the rows is not known`,
        {
          hint: '`mlops fetch -A` brings what a remote has of all commits',
        },
      );
    }
    const found = await idsIn(file, thing, column, wanted);
    if (found !== undefined && found.length > 0) holding.push(md5);
  }
  if (holding.length === 0) {
    throw new MlopsError(
      'resource_missing',
      `no content of '${thing}' has any of the rows ${rows.join(', ')} in '${column}'`,
    );
  }
  return { contents: holding, path: inside, column };
}

/** The work tree, and all commits in which a `.dvc` or `dvc.lock` file changed. */
function revisionsOf(repo: DataRepo): string[] {
  if (repo.gitRoot === undefined || tryResolveRevision(repo.root, 'HEAD') === undefined) return ['workspace'];
  const args = ['log', '--all', '--format=%H', '--', ':(glob)**/*.dvc', ':(glob)**/dvc.lock'];
  const commits = gitText(repo.root, args).split('\n');
  return ['workspace', ...commits.filter((line) => line !== '')];
}

/** Copies in the artifacts of the runs that it is in, and the files of models that came of it. */
async function doomedArtifacts(
  ids: ReadonlySet<string>,
  graphs: readonly LineageGraph[],
  store: TrackingStore,
): Promise<ForgetPlan['artifacts']> {
  const found: { uri: string; path: string }[] = [];
  const runs = new Set(
    graphs.flatMap(({ nodes }) =>
      nodes.flatMap(({ kind, facts }) => (kind === 'run' ? [String(facts['run_id'])] : [])),
    ),
  );
  const uris = await Promise.all([...runs].map(async (id) => (await store.getRun(id)).info.artifactUri));
  const models = graphs.flatMap(({ nodes }) =>
    nodes.filter(({ kind, facts }) => kind === 'version' && facts['version'] !== undefined),
  );
  for (const { facts } of models)
    uris.push(await store.getDownloadUri(String(facts['model']), String(facts['version'])));
  for (const uri of new Set(uris)) {
    const artifacts = store.artifacts(uri);
    for (const { path: file } of await artifactFiles(artifacts)) {
      if (ids.has(await artifactDigest(artifacts, file, 'md5'))) found.push({ uri, path: file });
    }
  }
  return found;
}

/** What is still in use cannot be forgotten: the next command would bring it back. */
function blockersOf({ contents, path: file }: Named, repo: DataRepo): string[] {
  const blockers: string[] = [];
  const held = new Set(contents);
  for (const stage of repo.stages()) {
    if (stage.kind !== 'data') continue;
    for (const { info, path: out = '' } of stage.outs) {
      const md5 = info?.md5 ?? '';
      if (held.has(md5))
        blockers.push(`'${out}' is still that content: change it and \`mlops add\` it, or remove ${stage.file}`);
      else if (folderFiles(repo, md5).some((one) => held.has(one.md5))) {
        blockers.push(`folder '${out}' still has it: delete the file there and \`mlops add ${out}\``);
      }
    }
  }
  if (file !== undefined && repo.gitRoot !== undefined) {
    const tracked = gitText(repo.root, ['log', '--all', '--format=%H', '-n', '1', '--', `:(literal)${file}`]);
    if (tracked !== '')
      blockers.push(
        `Git has had '${file}' itself (commit ${tracked.slice(0, 8)}): rewrite its history first (git filter-repo)`,
      );
  }
  return blockers;
}
