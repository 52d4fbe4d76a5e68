import type { Tree } from '../../git/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { selectRevision } from '../../repo/open/revisions.ts';

/** The project as it is, or was in a commit. */
export interface ProjectState {
  /** How messages name it. */
  readonly name: string;
  /** Undefined for the work tree. */
  readonly commit: string | undefined;
  readonly tree: Tree;
  readonly stages: readonly Stage[];
}

/** States of a project by revision; each is read once. */
export class ProjectStates {
  readonly repo: DataRepo;
  readonly #states = new Map<string, ProjectState>();

  constructor(repo: DataRepo) {
    this.repo = repo;
  }

  /** @param revision what Git resolves, or `workspace`. @throws MlopsError `unknown_revision`. */
  at(revision: string): ProjectState {
    let state = this.#states.get(revision);
    if (state === undefined) this.#states.set(revision, (state = this.#read(revision)));
    return state;
  }

  #read(revision: string): ProjectState {
    const { commit, tree } = selectRevision(this.repo.root, revision);
    const files = tree();
    const stages = commit === undefined ? this.repo.stages() : this.repo.stagesOf(files);
    return {
      name: commit === undefined ? 'the work tree' : `commit ${commit.slice(0, 8)}`,
      commit,
      tree: files,
      stages,
    };
  }
}
