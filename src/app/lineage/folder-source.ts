import { isDirectoryId } from '../../data/index.ts';
import type { Direction, LineageNode, LineageSource, Neighbour } from '../../lineage/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { foldersWith, pathsOf } from './contents.ts';
import type { Snapshots } from './snapshots.ts';
import { dataThing, fileOf } from './things.ts';

/** Folders that hold a file which was asked for: what read the folder read the file. */
export class FolderSource implements LineageSource {
  readonly #repo: DataRepo;
  readonly #snapshots: Snapshots;

  constructor(repo: DataRepo, snapshots: Snapshots) {
    this.#repo = repo;
    this.#snapshots = snapshots;
  }

  neighbours(node: LineageNode, direction: Direction, asked: boolean): Promise<readonly Neighbour[]> {
    const md5 = fileOf(node)?.md5;
    if (direction !== 'down' || !asked || md5 === undefined || isDirectoryId(md5)) return Promise.resolve([]);
    const folders = foldersWith(this.#repo, md5).flatMap(({ folder }) =>
      pathsOf(folder, this.#snapshots).map((path) => dataThing({ path, md5: folder, size: undefined })),
    );
    return Promise.resolve(folders.map((folder) => ({ node: folder, relation: 'contains' })));
  }
}
