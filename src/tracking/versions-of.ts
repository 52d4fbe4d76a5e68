import { everything, filterText, type ModelVersion } from '../mlflow/index.ts';
import type { TrackingStore } from './store.ts';

/** All versions of a model, newest first; of those that `more` fits, a clause of a filter. */
export async function versionsOf(store: TrackingStore, name: string, more?: string): Promise<ModelVersion[]> {
  const named = `name = ${filterText(name)}`;
  const filter = more === undefined ? named : `${named} AND ${more}`;
  const versions = await everything((pageToken) =>
    store.searchModelVersions({ filter, orderBy: ['version_number DESC'], maxResults: 1000, pageToken }),
  );
  if (store.kind !== 'remote' || versions.length === 0) return versions;
  // Over the wire a search gives versions without their aliases; the model has them.
  const { aliases } = await store.getRegisteredModel(name);
  return versions.map((version) => ({
    ...version,
    aliases: aliases.filter((one) => one.version === version.version).map(({ alias }) => alias),
  }));
}
