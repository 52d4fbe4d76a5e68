import { toPlain, type PyMap } from '../../base/index.ts';
import type { GitState, WorkPatch } from '../../git/index.ts';
import type { ArtifactStore } from '../../tracking/index.ts';
import type { Environment } from './environment.ts';
import type { SnapshotLineage, SnapshotStage } from './record-snapshot.ts';

/** Longest patch that is kept with a run, in bytes. */
export const patchLimit = 4 * 1024 * 1024;
const fileName = 'provenance.json';
const lineageName = 'lineage.json';
const patchName = 'code.patch';
/** More untracked files than this are not named. */
const mostUntracked = 200;

/** How a run came about, beside what it read and made (`lineage.json`); the keys are those of `provenance.json`. */
export interface Provenance {
  readonly version: 1;
  readonly git: {
    readonly commit: string | undefined;
    readonly dirty: boolean;
    /** `code.patch` among the artifacts; absent where nothing was changed, or it was too long. */
    readonly patch?: string;
    readonly untracked: readonly string[];
  } | null;
  readonly environment: Environment;
  /** By address: the command and the params that each stage was recorded with, by file. */
  readonly stages: Readonly<Record<string, { readonly cmd: string | readonly string[]; readonly params: unknown }>>;
}

export interface ProvenanceFacts {
  readonly git: GitState | undefined;
  readonly changes: WorkPatch | undefined;
  readonly environment: Environment;
  readonly stages: readonly SnapshotStage[];
}

/** Writes `provenance.json`, and `code.patch` where the work tree had uncommitted changes. */
export async function saveProvenance(artifacts: ArtifactStore, facts: ProvenanceFacts): Promise<void> {
  const { git, changes, environment, stages } = facts;
  const patch = changes?.patch?.length === 0 ? undefined : changes?.patch;
  const provenance: Provenance = {
    version: 1,
    git:
      git === undefined
        ? null
        : {
            commit: git.commit,
            dirty: git.dirty,
            ...(patch === undefined ? {} : { patch: patchName }),
            untracked: changes?.untracked.slice(0, mostUntracked) ?? [],
          },
    environment,
    stages: Object.fromEntries(
      stages.map(({ address, cmd, params }) => [address, { cmd, params: plainParams(params) }] as const),
    ),
  };
  if (patch !== undefined) await artifacts.put(patchName, patch);
  await artifacts.put(fileName, Buffer.from(`${JSON.stringify(provenance, undefined, 1)}\n`));
}

function plainParams(params: ReadonlyMap<string, PyMap>): unknown {
  return Object.fromEntries([...params].map(([file, values]) => [file, toPlain(values)] as const));
}

/** A dep or out of a stage as a run recorded it. */
export type RecordedEntry = Pick<SnapshotLineage, 'stage' | 'role' | 'path' | 'md5' | 'size'>;

export interface RecordedRun {
  /** Of all stages of the pipeline as it stood at the end. */
  readonly entries: readonly RecordedEntry[];
  /** Absent in runs of versions before it was recorded. */
  readonly provenance: Provenance | undefined;
}

/** What `repro` recorded of a run; undefined for runs of others. */
export async function readRecordedRun(artifacts: ArtifactStore): Promise<RecordedRun | undefined> {
  const names = new Set((await artifacts.list('')).map((file) => file.path));
  if (!names.has(lineageName)) return undefined;
  const read = async <Value>(name: string): Promise<Value> =>
    JSON.parse(Buffer.from(await artifacts.get(name)).toString('utf8')) as Value;
  return {
    entries: await read<RecordedEntry[]>(lineageName),
    provenance: names.has(fileName) ? await read<Provenance>(fileName) : undefined,
  };
}

/** The patch that a run kept; undefined where it has none. */
export async function readPatch(artifacts: ArtifactStore, { git }: Provenance): Promise<Uint8Array | undefined> {
  return git?.patch === undefined ? undefined : artifacts.get(git.patch);
}
