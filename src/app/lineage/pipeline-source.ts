import type { Direction, LineageNode, LineageSource, Neighbour } from '../../lineage/index.ts';
import type { FileRecord, Snapshot, Snapshots, StageRecord } from './snapshots.ts';
import { dataThing, fileOf, runThing, stageThing } from './things.ts';

/** Stages, and the data that they read and made, in the snapshots that are loaded. */
export class PipelineSource implements LineageSource {
  readonly #snapshots: Snapshots;
  /** Done before a thing is followed: what loads the snapshots that it is in. */
  readonly #before: (node: LineageNode, direction: Direction) => Promise<unknown>;
  readonly #asked = new Set<string>();
  /** Things that were met, which may be where another pipeline begins. */
  readonly #met = new Set<string>();

  constructor(snapshots: Snapshots, before: (node: LineageNode, direction: Direction) => Promise<unknown>) {
    this.#snapshots = snapshots;
    this.#before = before;
  }

  async neighbours(node: LineageNode, direction: Direction, asked: boolean): Promise<readonly Neighbour[]> {
    if (asked) this.#asked.add(node.id);
    this.#met.add(node.id);
    await this.#before(node, direction);
    const { loaded } = this.#snapshots;
    if (direction === 'up') return loaded.flatMap((snapshot) => above(node, snapshot, asked));
    return loaded.flatMap((snapshot) => this.#below(node, snapshot));
  }

  /** Whether a thing of a snapshot came of what was asked for. */
  reaches(snapshot: Snapshot, id: string): boolean {
    return this.#touched(snapshot).has(id);
  }

  #below(node: LineageNode, snapshot: Snapshot): Neighbour[] {
    if (node.kind !== 'stage' && node.kind !== 'data') return [];
    const { stages, run } = snapshot;
    if (!this.reaches(snapshot, node.id)) return [];
    if (node.kind === 'data') return readBy(fileOf(node) as FileRecord, stages);
    const stage = stages.find((one) => `stage:${one.id}` === node.id);
    if (stage === undefined) return [];
    const outs = stage.outs.map((out) => ({ node: dataThing(out), relation: 'out' }));
    return run === undefined ? outs : [...outs, { node: runThing(run), relation: 'stage' }];
  }

  /**
   * What of a snapshot came of the things that were asked for. The same bytes may have been made again from other data:
   * that another snapshot has them says nothing, unless they came into it from outside.
   */
  #touched({ stages }: Snapshot): ReadonlySet<string> {
    const made = new Set(stages.flatMap(({ outs }) => outs.map((out) => dataThing(out).id)));
    const found = new Set([...this.#asked, ...[...this.#met].filter((id) => id.startsWith('data:') && !made.has(id))]);
    const digests = new Set([...found].flatMap((id) => digestOf(id) ?? []));
    const folders = new Set([...found].flatMap((id) => pathOf(id) ?? []));
    const isTouched = (dep: FileRecord): boolean =>
      found.has(dataThing(dep).id) ||
      (dep.md5 !== undefined && digests.has(dep.md5)) ||
      (isRelated(dep, folders) && isWithin(dep, stages, found));
    for (let grown = true; grown;) {
      grown = false;
      for (const stage of stages) {
        const id = `stage:${stage.id}`;
        const touched = stage.deps.filter(isTouched);
        if (touched.length === 0 && !found.has(id)) continue;
        for (const thing of [id, ...[...touched, ...stage.outs].map((file) => dataThing(file).id)]) {
          grown ||= !found.has(thing);
          found.add(thing);
        }
        for (const out of stage.outs) {
          if (out.md5 !== undefined) digests.add(out.md5);
          folders.add(out.path);
        }
      }
    }
    return found;
  }
}

const pathOf = (id: string): string | undefined => /^data:(.*)@[^@]*$/s.exec(id)?.[1];
const digestOf = (id: string): string | undefined => /^data:.*@([0-9a-f]{32}(?:\.dir)?)$/s.exec(id)?.[1];
const isInside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** Whether a dep lies in, or around, something that was touched and is of this snapshot. */
function isWithin(dep: FileRecord, stages: readonly StageRecord[], found: ReadonlySet<string>): boolean {
  return stages.some(({ deps, outs }) =>
    [...deps, ...outs].some(
      (file) => (isInside(dep.path, file.path) || isInside(file.path, dep.path)) && found.has(dataThing(file).id),
    ),
  );
}

function isRelated(dep: FileRecord, folders: ReadonlySet<string>): boolean {
  for (const folder of folders) if (isInside(dep.path, folder) || isInside(folder, dep.path)) return true;
  return false;
}

function above(node: LineageNode, { stages, run }: Snapshot, asked: boolean): Neighbour[] {
  if (node.kind === 'stage') {
    const stage = stages.find((one) => `stage:${one.id}` === node.id);
    return stage?.deps.map((dep) => ({ node: dataThing(dep), relation: 'dep' })) ?? [];
  }
  // What else a run did is no cause of what a model of it is.
  if (node.kind === 'run' && asked && `run:${run?.info.id}` === node.id) {
    return stages.map((stage) => ({ node: stageThing(stage), relation: 'stage' }));
  }
  const file = fileOf(node);
  return file === undefined ? [] : madeBy(file, stages);
}

const isSame = (one: FileRecord, other: FileRecord): boolean => one.path === other.path && one.md5 === other.md5;

/** Within one snapshot paths alone tell what lies in what. */
function isOf(file: FileRecord, stages: readonly StageRecord[]): boolean {
  return stages.some(({ deps, outs }) => [...deps, ...outs].some((one) => isSame(one, file)));
}

function madeBy(file: FileRecord, stages: readonly StageRecord[]): Neighbour[] {
  const isKnown = isOf(file, stages);
  return stages.flatMap((stage) =>
    stage.outs.flatMap((out): Neighbour[] => {
      if (isSame(out, file)) return [{ node: stageThing(stage), relation: 'out' }];
      const related = isKnown && (isInside(file.path, out.path) || isInside(out.path, file.path));
      return related ? [{ node: dataThing(out), relation: 'contains' }] : [];
    }),
  );
}

function readBy(file: FileRecord, stages: readonly StageRecord[]): Neighbour[] {
  const isKnown = isOf(file, stages);
  return stages.flatMap((stage) =>
    stage.deps.flatMap((dep): Neighbour[] => {
      if (isSame(dep, file) || (dep.md5 !== undefined && dep.md5 === file.md5)) {
        return [{ node: stageThing(stage), relation: 'dep' }];
      }
      const related = isKnown && (isInside(dep.path, file.path) || isInside(file.path, dep.path));
      return related ? [{ node: dataThing(dep), relation: 'contains' }] : [];
    }),
  );
}
