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

/** One file of a run, or of a model that it logged: `NAME/MLmodel`. */
export async function getArtifact(store: TrackingStore, run: Run, path: string): Promise<Uint8Array> {
  const inside = await inModel(store, run, path);
  if (inside === undefined || inside.path === '') return store.artifacts(run.info.artifactUri).get(path);
  const own = await store.artifacts(run.info.artifactUri).list(path.slice(0, path.lastIndexOf('/')));
  const uri = own.some((file) => file.path === path) ? run.info.artifactUri : inside.uri;
  return store.artifacts(uri).get(uri === inside.uri ? inside.path : path);
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
