import { isMlopsError } from '../../base/index.ts';
import type { Direction, LineageNode, LineageSource, Neighbour } from '../../lineage/index.ts';
import { everything, filterText, type ModelVersion, type Run } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { outTag } from '../recording/record.ts';
import { versionTag } from '../registry/resolve-model.ts';
import type { Snapshot, Snapshots } from './snapshots.ts';
import { commitThing, dataThing, fileOf, runThing, sourceThing, versionThing } from './things.ts';

/** Of more runs than these that read the same content, only those with registered versions are opened. */
const mostOpened = 100;

/** Runs, model versions and commits, as the tracking store has them; opens the snapshots of the runs it meets. */
export class RecordedSource implements LineageSource {
  readonly #store: TrackingStore;
  readonly #snapshots: Snapshots;
  readonly #runs = new Map<string, Promise<Run | undefined>>();
  readonly #opened = new Map<string, Promise<readonly Run[]>>();
  #experiments: Promise<readonly string[]> | undefined;
  #runsWithVersions: Promise<ReadonlySet<string>> | undefined;

  readonly #reaches: (snapshot: Snapshot, id: string) => boolean;

  /** @param reaches whether a thing of a snapshot came of what was asked for. */
  constructor(store: TrackingStore, snapshots: Snapshots, reaches: (snapshot: Snapshot, id: string) => boolean) {
    this.#store = store;
    this.#snapshots = snapshots;
    this.#reaches = reaches;
  }

  neighbours(node: LineageNode, direction: Direction, asked: boolean): Promise<readonly Neighbour[]> {
    return direction === 'up' ? this.#above(node, asked) : this.#below(node);
  }

  async #above(node: LineageNode, asked: boolean): Promise<readonly Neighbour[]> {
    if (node.kind === 'version') return this.#aboveVersion(node);
    if (node.kind === 'run') return this.#aboveRun(node, asked);
    return [];
  }

  async #aboveVersion(node: LineageNode): Promise<readonly Neighbour[]> {
    const { run_id: runId, md5, path } = node.facts as { run_id?: string; md5?: string; path?: string };
    const run = runId === undefined ? undefined : await this.run(runId);
    const found: Neighbour[] = [];
    if (run !== undefined) {
      const snapshot = await this.#snapshots.ofRun(run);
      found.push({ node: runThing(run), relation: 'run' });
      // A model that a client logged is tied to nothing but its run: what that read is above the run.
      if (snapshot === undefined && md5 === undefined) found.push(...loggedData(run));
    } else if (runId !== undefined) {
      found.push({
        node: { ...lostRun(runId), gaps: [`run ${runId} is not in this store any more`] },
        relation: 'run',
      });
    }
    if (md5 !== undefined && path !== undefined) {
      const isKnown = this.#snapshots.loaded.some(({ stages }) =>
        stages.some(({ outs }) => outs.some((out) => out.md5 === md5)),
      );
      if (!isKnown) this.#snapshots.around(md5, node.facts['commit'] as string | undefined);
      found.push({ node: dataThing({ path, md5, size: undefined }), relation: 'model' });
    }
    return found;
  }

  async #aboveRun(node: LineageNode, asked: boolean): Promise<readonly Neighbour[]> {
    const run = await this.run(String(node.facts['run_id']));
    if (run === undefined) return [];
    const snapshot = await this.#snapshots.ofRun(run);
    const tag = (key: string): string | undefined => run.tags.find((one) => one.key === key)?.value;
    const commit = tag('mlflow.source.git.commit');
    const found: Neighbour[] = [];
    if (commit !== undefined) {
      const git = snapshot?.provenance?.git;
      const dirty = tag('mlops.git.dirty') ?? (git === undefined ? undefined : String(git?.dirty));
      const patch = git?.patch === undefined ? undefined : `runs:/${run.info.id}/${git.patch}`;
      const untracked = git?.untracked ?? [];
      const gaps = [
        ...(dirty === 'true' && patch === undefined && untracked.length === 0
          ? [`run ${run.info.id.slice(0, 8)} ran with changes that were not committed, and kept no patch of them`]
          : []),
        ...(untracked.length > 0
          ? [
              `run ${run.info.id.slice(0, 8)} ran beside files that Git does not have: ${untracked.slice(0, 5).join(', ')}`,
            ]
          : []),
      ];
      found.push({ node: commitThing(commit, { dirty: dirty === 'true', patch }, gaps), relation: 'commit' });
    }
    const parent = tag('mlflow.parentRunId');
    if (parent !== undefined) {
      const other = await this.run(parent);
      if (other !== undefined) found.push({ node: runThing(other), relation: 'parent' });
    }
    for (const id of run.modelInputs) {
      const model = await this.#store.getLoggedModel(id).catch(() => undefined);
      const maker = model?.sourceRunId === undefined ? undefined : await this.run(model.sourceRunId);
      if (maker !== undefined) found.push({ node: runThing(maker), relation: `model ${model?.name ?? id}` });
    }
    if (snapshot === undefined && asked) found.push(...loggedData(run));
    return found;
  }

  async #below(node: LineageNode): Promise<readonly Neighbour[]> {
    if (node.kind === 'run') {
      const id = String(node.facts['run_id']);
      // Where there are many runs it was asked which of them have versions at all.
      if ((await this.#runsWithVersions)?.has(id) === false) return [];
      return this.#versionNodes(`run_id = ${filterText(id)}`, 'run', true);
    }
    const file = fileOf(node);
    if (file?.md5 === undefined) return [];
    const { md5 } = file;
    const [runs, versions] = await Promise.all([
      this.open(node, 'down'),
      this.#versionNodes(`tags.\`mlops.md5\` = ${filterText(md5)}`, 'model', false),
    ]);
    const open = new Set(this.#snapshots.loaded.flatMap(({ run }) => run?.info.id ?? []));
    // Of a run whose stages are known the stages lead to it.
    const rest = runs.filter((run) => !open.has(run.info.id));
    const came = await Promise.all(versions.map((version) => this.#came(version.node, node.id)));
    return [
      ...rest.map((run) => ({ node: runThing(run), relation: 'dataset' })),
      ...versions.filter((_, index) => came[index]),
    ];
  }

  /** Loads the snapshots that a thing is in, once. @returns the runs that read or made it, where it is data. */
  open(node: LineageNode, direction: Direction): Promise<readonly Run[]> {
    let known = this.#opened.get(node.id);
    if (known === undefined) this.#opened.set(node.id, (known = this.#open(node, direction)));
    return known;
  }

  async #open(node: LineageNode, direction: Direction): Promise<readonly Run[]> {
    if (node.kind === 'run') {
      const run = await this.run(String(node.facts['run_id']));
      if (run !== undefined) await this.#snapshots.ofRun(run);
      return [];
    }
    const file = fileOf(node);
    if (direction === 'up' || file?.md5 === undefined) return [];
    const runs = await this.runsWith(file.path, file.md5);
    await this.#snapshots.ofRuns(await this.#worthOpening(runs));
    return runs;
  }

  /** Runs that read or made a content, newest first. */
  async runsWith(path: string, md5: string): Promise<readonly Run[]> {
    const experimentIds = await (this.#experiments ??= this.#allExperiments());
    const search = (filter: string): Promise<Run[]> =>
      everything((pageToken) => this.#store.searchRuns({ experimentIds, filter, maxResults: 10_000, pageToken }));
    const key = outTag(path);
    const [readers, makers] = await Promise.all([
      search(`dataset.digest = ${filterText(md5)}`),
      key.length > 250 || /[`"]/.test(key) ? [] : search(`tags.\`${key}\` = ${filterText(md5)}`),
    ]);
    return [...new Map([...readers, ...makers].map((run) => [run.info.id, run])).values()];
  }

  async #allExperiments(): Promise<string[]> {
    const all = await everything((pageToken) => this.#store.searchExperiments({ view: 'ALL', pageToken }));
    return all.map(({ id }) => id);
  }

  async #worthOpening(runs: readonly Run[]): Promise<readonly Run[]> {
    if (runs.length <= mostOpened) return runs;
    this.#runsWithVersions ??= everything((pageToken) =>
      this.#store.searchModelVersions({ maxResults: 10_000, pageToken }),
    ).then((versions) => new Set(versions.map(({ runId }) => runId)));
    const wanted = await this.#runsWithVersions;
    return runs.filter((run) => wanted.has(run.info.id));
  }

  /** @param whole leave out versions that are tied to a file of the run: that file leads to them. */
  async #versionNodes(filter: string, relation: string, whole: boolean): Promise<Neighbour[]> {
    const versions = await everything((pageToken) =>
      this.#store.searchModelVersions({ filter, maxResults: 1000, pageToken }),
    );
    const wanted = whole ? versions.filter((version) => versionTag(version, 'mlops.md5') === undefined) : versions;
    return Promise.all(
      wanted.map(async (version) => ({ node: versionThing(await this.#withAliases(version)), relation })),
    );
  }

  /** False for a version whose own run made the same bytes of something else. */
  async #came(version: LineageNode, model: string): Promise<boolean> {
    const runId = version.facts['run_id'];
    const run = typeof runId === 'string' ? await this.run(runId) : undefined;
    const snapshot = run === undefined ? undefined : await this.#snapshots.ofRun(run);
    const isOfIt = snapshot?.stages.some(({ outs }) => outs.some((out) => dataThing(out).id === model)) === true;
    return snapshot === undefined || !isOfIt || this.#reaches(snapshot, model);
  }

  /** A search gives no aliases where MLflow's gives none. */
  async #withAliases(version: ModelVersion): Promise<ModelVersion> {
    return version.aliases.length > 0 ? version : this.#store.getModelVersion(version.name, version.version);
  }

  run(id: string): Promise<Run | undefined> {
    let known = this.#runs.get(id);
    if (known === undefined) {
      known = this.#store.getRun(id).catch((error: unknown) => {
        if (isMlopsError(error, 'resource_missing') || isMlopsError(error, 'invalid_value')) return undefined;
        throw error;
      });
      this.#runs.set(id, known);
    }
    return known;
  }
}

function lostRun(id: string): LineageNode {
  return { id: `run:${id}`, kind: 'run', name: id, facts: { run_id: id }, gaps: [] };
}

/** The data sets that a client logged: an md5 is content, any other digest is only a name for one. */
function loggedData(run: Run): Neighbour[] {
  const found = run.datasets.map(({ dataset }): Neighbour => {
    const { name, digest, sourceType, source } = dataset;
    if (/^[0-9a-f]{32}(?:\.dir)?$/.test(digest)) {
      return { node: dataThing({ path: name, md5: digest, size: undefined }), relation: 'dataset' };
    }
    return {
      node: sourceThing(`${name} (${digest})`, { name, digest, source_type: sourceType, source }),
      relation: 'dataset',
    };
  });
  const gap = `run ${run.info.id.slice(0, 8)} was made outside of \`mlops repro\`: only the data sets that it logged are known`;
  const [first, ...rest] = found;
  if (first !== undefined) return [{ ...first, node: { ...first.node, gaps: [...first.node.gaps, gap] } }, ...rest];
  return [{ node: { ...runThing(run), gaps: [gap] }, relation: 'run' }];
}
