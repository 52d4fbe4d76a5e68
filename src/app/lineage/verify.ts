import type { KeyObject } from 'node:crypto';

import type { OnProgress } from '../../base/index.ts';
import { readAgain, type ObjectState } from '../../data/index.ts';
import type { LineageGraph } from '../../lineage/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { artifactDigest, artifactFiles } from '../registry/artifact-files.ts';
import { signatureOf, type SignatureState } from '../registry/model-signature.ts';
import { versionTag } from '../registry/resolve-model.ts';
import { folderFiles } from './folder-files.ts';
import { lineage } from './lineage.ts';
import type { Places } from './name-thing.ts';
import { withRemote } from './with-remote.ts';

/** A content on the way to a model, and whether it still is what was recorded. */
export interface Verified {
  /** `model.onnx of models:/digits/1`, `data/raw.csv`, `photos/0042.jpg`. */
  readonly name: string;
  readonly md5: string;
  /** Where it was read: `registry`, `cache`, `commit 1a2b3c4d`, a remote by its name. */
  readonly where: string;
  /** `unkept`: it was read from a work tree that was not committed, and nothing has kept it. */
  readonly state: ObjectState | 'unkept';
}

export interface Verification {
  readonly version: ModelVersion;
  readonly signature: SignatureState;
  /** What was read, the model first, then step by step away from it. */
  readonly contents: readonly Verified[];
  readonly gaps: readonly string[];
  /** False where something differs, is gone, or the signature is broken. */
  readonly ok: boolean;
}

export interface VerifyOptions {
  readonly trusted: readonly KeyObject[];
  /** Read the objects of the remotes too. */
  readonly remotes: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress | undefined;
}

/** Reads all that a version came of again, and says of each content whether it is what was recorded. */
export async function verifyVersion(
  version: ModelVersion,
  places: Places & { readonly store: TrackingStore },
  options: VerifyOptions,
): Promise<Verification> {
  const { store, repo } = places;
  const graph = await lineage(`models:/${version.name}/${version.version}`, places, {
    direction: 'up',
    remotes: false,
    signal: options.signal,
  });
  const contents = [
    ...(await modelFile(store, version)),
    ...gitContents(graph),
    ...(repo === undefined ? [] : await objects(graph, repo, options)),
  ];
  const signature = await signatureOf(store, version, options.trusted);
  // Where the content could not be had from any place; one good copy is enough.
  const isBad = contents.some(({ state }) => state !== 'ok') || signature.state === 'broken';
  return { version, signature, contents, gaps: graph.nodes.flatMap(({ gaps }) => gaps), ok: !isBad };
}

/** The file of the version whose md5 was recorded when it was registered. */
async function modelFile(store: TrackingStore, version: ModelVersion): Promise<Verified[]> {
  const md5 = versionTag(version, 'mlops.md5');
  if (md5 === undefined) return [];
  const artifacts = store.artifacts(await store.getDownloadUri(version.name, version.version));
  const name = `${versionTag(version, 'mlops.path') ?? 'model'} of models:/${version.name}/${version.version}`;
  const files = await artifactFiles(artifacts);
  for (const file of files) {
    if ((await artifactDigest(artifacts, file.path, 'md5')) === md5)
      return [{ name, md5, where: 'registry', state: 'ok' }];
  }
  return [{ name, md5, where: 'registry', state: files.length === 0 ? 'missing' : 'corrupt' }];
}

/** What Git has was read when its origin was looked for. */
function gitContents(graph: LineageGraph): Verified[] {
  return graph.nodes.flatMap(({ kind, name, facts }): Verified[] => {
    const { git, md5 } = facts as { git?: string; md5?: string };
    return kind === 'data' && git !== undefined && md5 !== undefined ? [{ name, md5, where: git, state: 'ok' }] : [];
  });
}

async function objects(graph: LineageGraph, repo: DataRepo, options: VerifyOptions): Promise<Verified[]> {
  const wanted = new Map<string, string>();
  const unkept: Verified[] = [];
  for (const { kind, name, facts, gaps } of graph.nodes) {
    const md5 = facts['md5'];
    if (kind !== 'data' || typeof md5 !== 'string' || facts['git'] !== undefined) continue;
    const isTracked =
      facts['tracked_by'] !== undefined || graph.edges.some((edge) => edge.to === `data:${name}@${md5}`);
    if (!isTracked && facts['in_cache'] !== true && gaps.length > 0) {
      unkept.push({ name, md5, where: 'nowhere', state: 'unkept' });
      continue;
    }
    wanted.set(md5, name);
    for (const file of folderFiles(repo, md5)) wanted.set(file.md5, `${name}/${file.relpath}`);
  }
  const ids = [...wanted.keys()];
  const cache = await readAgain(repo.data, ids, { ...options, name: 'reading the cache' });
  const where: [string, Map<string, ObjectState>][] = [['cache', cache]];
  for (const name of options.remotes ? repo.config.remoteNames : []) {
    const far = await withRemote(repo, name, (store) =>
      readAgain(repo.data, ids, { ...options, store, name: `reading ${name}` }),
    );
    where.push([name, far]);
  }
  const found: Verified[] = [];
  for (const [md5, name] of wanted) {
    const states = where.map(
      ([place, all]) => ({ name, md5, where: place, state: all.get(md5) ?? 'missing' }) as const,
    );
    const bad = states.filter(({ state }) => state === 'corrupt');
    const good = states.find(({ state }) => state === 'ok');
    // A copy that differs is told even where another is good; one that is not there is not.
    found.push(...(bad.length > 0 ? bad : [good ?? { name, md5, where: 'cache', state: 'missing' as const }]));
  }
  return [...found, ...unkept];
}

/** The first that is not what it was, in words; undefined where all is. */
export function firstFault({ contents, signature, version }: Verification): string | undefined {
  const bad = contents.find(({ state }) => state !== 'ok');
  if (bad !== undefined) {
    const what = {
      corrupt: `is not what was recorded any more (${bad.where}): its md5 was ${bad.md5}`,
      missing: `is gone: nothing here has ${bad.md5} (\`mlops fetch\` brings what a remote has)`,
      unkept: `was read as ${bad.md5} from a work tree that was not committed, and nothing has kept it`,
      ok: '',
    };
    return `${bad.name} ${what[bad.state]}`;
  }
  if (signature.state !== 'broken') return undefined;
  return `models:/${version.name}/${version.version} is not what key ${signature.key} signed`;
}
