import { isMlopsError } from '../../base/index.ts';
import type { Run } from '../../mlflow/index.ts';
import type { ArtifactFile, TrackingStore } from '../../tracking/index.ts';
import { modelsOfRun } from '../registry/run-model.ts';

/**
 * The files of a run in a folder. The models that it logged (MLflow 3 keeps them beside the run) are listed as folders
 * of their names, as MLflow's client lists them.
 */
export async function listArtifacts(store: TrackingStore, run: Run, folder = ''): Promise<readonly ArtifactFile[]> {
  const own = await store.artifacts(run.info.artifactUri).list(folder);
  if (folder === '') {
    const names = new Set(own.map((file) => file.path));
    const models = (await modelsOfRun(store, run)).filter(({ name }) => !names.has(name));
    const folders = [...new Set(models.map(({ name }) => name))];
    return [...own, ...folders.map((path) => ({ path, isDirectory: true, size: undefined }))];
  }
  if (own.length > 0) return own;
  const inside = await inModel(store, run, folder);
  if (inside === undefined) return own;
  const files = await store.artifacts(inside.uri).list(inside.path);
  return files.map((file) => ({ ...file, path: `${inside.name}/${file.path}` }));
}

/** One file of a run, or of a model that it logged: `NAME/MLmodel`. What is among the run's own files comes first. */
export async function getArtifact(store: TrackingStore, run: Run, path: string): Promise<Uint8Array> {
  const own = store.artifacts(run.info.artifactUri);
  try {
    return await own.get(path);
  } catch (error) {
    if (!isMlopsError(error, 'resource_missing')) throw error;
    const inside = await inModel(store, run, path);
    if (inside === undefined || inside.path === '') throw error;
    return store.artifacts(inside.uri).get(inside.path);
  }
}

/** The logged model whose name a path begins with, and the rest of the path. */
async function inModel(
  store: TrackingStore,
  run: Run,
  path: string,
): Promise<{ readonly name: string; readonly uri: string; readonly path: string } | undefined> {
  const [name = '', ...rest] = path.split('/');
  const model = (await modelsOfRun(store, run)).find((one) => one.name === name);
  return model === undefined ? undefined : { name, uri: model.artifactUri, path: rest.join('/') };
}
