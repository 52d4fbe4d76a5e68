import { trace, type Direction, type LineageGraph, type LineageSource } from '../../lineage/index.ts';
import { FolderSource } from './folder-source.ts';
import { nameThing, type Places } from './name-thing.ts';
import { Origins } from './origins.ts';
import { PipelineSource } from './pipeline-source.ts';
import { PredictionSource } from './prediction-source.ts';
import { withPresence } from './presence.ts';
import { RecordedSource } from './recorded-source.ts';
import { Snapshots } from './snapshots.ts';

export interface LineageOptions {
  readonly direction: Direction;
  readonly depth?: number | undefined;
  /** Whether remotes are asked what they still have. Default true. */
  readonly remotes?: boolean | undefined;
  readonly signal: AbortSignal;
}

/**
 * What a thing came of, or what came of it, over the project, the tracking store and the prediction log, as these have it
 * now. What they do not know is a gap of the graph.
 *
 * @throws as `nameThing`.
 */
export async function lineage(thing: string, places: Places, options: LineageOptions): Promise<LineageGraph> {
  const { direction, depth, remotes = true, signal } = options;
  const { store, repo, log } = places;
  const snapshots = new Snapshots(store, repo);
  const things = await nameThing(thing, places, snapshots);
  // What the work tree has now is what came of a thing too; what a thing came of was another state.
  if (direction === 'down') snapshots.ofState('workspace');
  const pipeline = new PipelineSource(snapshots, async (node, way) => recorded?.open(node, way));
  const recorded =
    store === undefined
      ? undefined
      : new RecordedSource(store, snapshots, (snapshot, id) => pipeline.reaches(snapshot, id));
  const sources: LineageSource[] = [
    ...(recorded === undefined ? [] : [recorded]),
    pipeline,
    new PredictionSource(store, log),
    ...(repo === undefined ? [] : [new FolderSource(repo, snapshots)]),
  ];
  const graph = await trace(things, sources, { direction, depth, signal });
  if (repo === undefined || snapshots.states === undefined) return graph;
  const whole = direction === 'up' ? new Origins(snapshots.states, snapshots).annotate(graph) : graph;
  return withPresence(whole, repo, { remotes, signal });
}
