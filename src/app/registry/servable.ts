import { isMlopsError } from '../../base/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import { parseMlModel } from '../../model/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { versionTag } from './resolve-model.ts';

/**
 * Whether `mlops serve` takes a version: as was found out when it was registered here, else by the flavors of its MLmodel
 * file. Undefined where its files are not in reach.
 */
export async function isServable(store: TrackingStore, version: ModelVersion): Promise<boolean | undefined> {
  const known = versionTag(version, 'mlops.servable');
  if (known !== undefined) return known === 'yes';
  try {
    return await hasOnnxFlavor(store, await store.getDownloadUri(version.name, version.version));
  } catch (error) {
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}

/** Whether a model folder has MLflow's ONNX flavor, or an ONNX file in it; undefined where nothing can be read. */
export async function hasOnnxFlavor(store: TrackingStore, uri: string): Promise<boolean | undefined> {
  if (/\.onnx$/i.test(uri)) return true;
  try {
    const artifacts = store.artifacts(uri);
    const files = await artifacts.list('');
    if (!files.some(({ path }) => path === 'MLmodel')) return files.some(({ path }) => /\.onnx$/i.test(path));
    const text = Buffer.from(await artifacts.get('MLmodel')).toString('utf8');
    return (await parseMlModel(text, `${uri}/MLmodel`)).flavors.has('onnx');
  } catch (error) {
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}
