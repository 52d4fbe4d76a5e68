import { MlopsError } from '../../base/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { openStore, type BlobStore } from '../../storage/index.ts';

/** Opens a remote by its name for some work. @throws MlopsError `bad_config` for one that there is not. */
export async function withRemote<Result>(
  repo: DataRepo,
  name: string,
  work: (store: BlobStore) => Promise<Result>,
): Promise<Result> {
  const remote = repo.remote(name);
  if (remote === undefined) throw new MlopsError('bad_config', `there is no remote '${name}'`);
  const store = await openStore(remote.url, remote.options);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
