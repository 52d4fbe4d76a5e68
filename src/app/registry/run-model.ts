import { MlopsError } from '../../base/index.ts';
import { filterText, type LoggedModel, type Run } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { runNamed } from '../places/find-runs.ts';

/** A model that `runs:/RUN/PATH` names: files among the run's artifacts, or a logged model of MLflow 3. */
export interface RunModel {
  readonly run: Run;
  /** As a version's source has it: `runs:/ID/PATH` or `models:/m-ID`. */
  readonly source: string;
  /** Where the files are. */
  readonly uri: string;
  readonly model: LoggedModel | undefined;
}

/** The parts of `runs:/RUN/PATH`, or undefined for another text. RUN may be anything that names a run. */
export function readRunUri(text: string): { readonly run: string; readonly path: string } | undefined {
  const [, run, path] = /^runs:\/+([^/]+)\/(.+)$/.exec(text) ?? [];
  return run === undefined || path === undefined ? undefined : { run, path };
}

/**
 * Finds a model of a run as `mlflow.register_model` does: the run's own artifacts come first, then the newest model
 * that the run logged under that name.
 *
 * @throws MlopsError `model_not_found` where the run has neither, or nothing lies there; `resource_missing` for the run.
 */
export async function modelOfRun(store: TrackingStore, word: string, path: string): Promise<RunModel> {
  const run = await runNamed(store, word);
  let inside = path;
  while (inside.endsWith('/')) inside = inside.slice(0, -1);
  if (await isArtifact(store, run.info.artifactUri, inside)) {
    const uri = `${run.info.artifactUri}/${inside}`;
    return { run, source: `runs:/${run.info.id}/${inside}`, uri, model: undefined };
  }
  const model = await loggedModel(store, run, inside);
  const id = run.info.id.slice(0, 8);
  if (model === undefined) {
    throw new MlopsError('model_not_found', `run ${id} has no artifact and no model '${inside}'`, {
      hint: `see \`mlops runs artifacts list ${id}\``,
    });
  }
  if ((await store.artifacts(model.artifactUri).list('')).length === 0) {
    throw new MlopsError('model_not_found', `the model '${inside}' of run ${id} has no files`, {
      hint: 'its upload was interrupted, or its files were removed: log it again',
    });
  }
  return { run, source: `models:/${model.id}`, uri: model.artifactUri, model };
}

/** The models that a run logged, newest first. */
export async function modelsOfRun(store: TrackingStore, run: Run): Promise<readonly LoggedModel[]> {
  return search(store, run, `source_run_id = '${run.info.id}'`);
}

async function loggedModel(store: TrackingStore, run: Run, name: string): Promise<LoggedModel | undefined> {
  return (await search(store, run, `name = ${filterText(name)} AND source_run_id = '${run.info.id}'`))[0];
}

async function search(store: TrackingStore, run: Run, filter: string): Promise<readonly LoggedModel[]> {
  try {
    const found = await store.searchLoggedModels({ experimentIds: [run.info.experimentId], filter });
    return found.items.toSorted((a, b) => b.creationTime - a.creationTime);
  } catch (error) {
    // Servers before MLflow 3 have no logged models.
    if (error instanceof MlopsError && (error.code === 'not_implemented' || error.httpStatus === 404)) return [];
    throw error;
  }
}

/** True for a file or a folder that is there. */
async function isArtifact(store: TrackingStore, root: string, inside: string): Promise<boolean> {
  const slash = inside.lastIndexOf('/');
  const siblings = await store.artifacts(root).list(slash < 0 ? '' : inside.slice(0, slash));
  return siblings.some((file) => file.path === inside);
}
