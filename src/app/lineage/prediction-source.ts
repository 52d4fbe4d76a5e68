import { isMlopsError, plural } from '../../base/index.ts';
import type { Direction, LineageNode, LineageSource, Neighbour } from '../../lineage/index.ts';
import { logStats, type PredictionRecord, type Summary } from '../../monitor/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { dataThing, runThing, versionThing } from './things.ts';

/** Single predictions by their record; of a version all together, by the summaries of the log. */
export class PredictionSource implements LineageSource {
  readonly #store: TrackingStore | undefined;
  readonly #log: string;
  #served: Promise<ReadonlyMap<string, Summary>> | undefined;

  /** @param log the folder of the prediction log, which need not be there. */
  constructor(store: TrackingStore | undefined, log: string) {
    this.#store = store;
    this.#log = log;
  }

  async neighbours(node: LineageNode, direction: Direction): Promise<readonly Neighbour[]> {
    if (direction === 'up') return node.kind === 'prediction' ? this.#above(node) : [];
    if (node.kind !== 'version') return [];
    const served = await (this.#served ??= this.#read());
    const summary = served.get(`${String(node.facts['model'])}/${String(node.facts['version'])}`);
    return summary === undefined ? [] : [{ node: predictionsThing(node, summary, this.#log), relation: 'served' }];
  }

  async #read(): Promise<ReadonlyMap<string, Summary>> {
    const found = new Map<string, Summary>();
    for (const { model, versions } of await logStats(this.#log, {})) {
      for (const [version, summary] of Object.entries(versions)) found.set(`${model}/${version}`, summary);
    }
    return found;
  }

  async #above(node: LineageNode): Promise<readonly Neighbour[]> {
    const { model, version, run_id: runId, md5 } = node.facts as Record<string, string | undefined>;
    const known = model === undefined || version === undefined ? undefined : await this.#version(model, version);
    if (known !== undefined) {
      const recorded = known.facts['md5'];
      const gaps =
        md5 !== undefined && recorded !== undefined && md5 !== recorded
          ? [`the file that answered had the md5 ${md5}, the version was registered with ${String(recorded)}`]
          : [];
      return [{ node: { ...known, gaps: [...known.gaps, ...gaps] }, relation: 'model' }];
    }
    const what = version === undefined ? `model '${model ?? ''}'` : `version ${version} of '${model ?? ''}'`;
    const gap = `${what} is not in the registry of this store`;
    const run = runId === undefined ? undefined : await this.#run(runId);
    if (run !== undefined) return [{ node: { ...run, gaps: [gap] }, relation: 'run' }];
    if (md5 !== undefined) {
      const data = dataThing({ path: 'model', md5, size: undefined });
      return [{ node: { ...data, gaps: [gap] }, relation: 'model' }];
    }
    const id = `version:${model ?? ''}/${version ?? ''}`;
    return [
      { node: { id, kind: 'version', name: id.slice(8), facts: { model, version }, gaps: [gap] }, relation: 'model' },
    ];
  }

  async #version(model: string, version: string): Promise<LineageNode | undefined> {
    return this.#ifThere(async (store) => versionThing(await store.getModelVersion(model, version)));
  }

  async #run(id: string): Promise<LineageNode | undefined> {
    return this.#ifThere(async (store) => runThing(await store.getRun(id)));
  }

  async #ifThere(get: (store: TrackingStore) => Promise<LineageNode>): Promise<LineageNode | undefined> {
    try {
      return this.#store === undefined ? undefined : await get(this.#store);
    } catch (error) {
      if (isMlopsError(error, 'resource_missing') || isMlopsError(error, 'invalid_value')) return undefined;
      throw error;
    }
  }
}

/** A record of the log as a thing. */
export function predictionThing(record: PredictionRecord): LineageNode {
  const { id, at, model, version, arm, run_id, md5, error } = record;
  const known = { id, at: new Date(at).toISOString(), model, version, arm, run_id, md5, error };
  return {
    id: `prediction:${id}`,
    kind: 'prediction',
    name: id,
    facts: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined && value !== '')),
    gaps:
      version === undefined && md5 === undefined
        ? [`prediction '${id}' was logged without a version of its model`]
        : [],
  };
}

function predictionsThing(version: LineageNode, summary: Summary, log: string): LineageNode {
  const { predictions, errors, first, last } = summary;
  return {
    id: `prediction:of ${version.id.slice('version:'.length)}`,
    kind: 'prediction',
    name: plural(predictions, 'prediction'),
    facts: { count: predictions, errors, first, last, log },
    gaps: [],
  };
}
