import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { RwLock } from '../guard/rw-lock.ts';
import { pathsOf } from '../open/stage-paths.ts';

export interface StageExclusion {
  /**
   * Does the work of a stage while no other process works on its files. Waits for one that does;
   * `waited` then tells that the stage may look different now.
   */
  exclusively<Result>(stage: Stage, work: (waited: boolean) => Promise<Result>): Promise<Result>;
  /** Runs the command of a stage. When it takes long, the project is unlocked meanwhile, the stage's files are not. */
  whileRunning<Result>(stage: Stage, work: () => Promise<Result>): Promise<Result>;
}

/** Commands that end within this time keep the project locked: giving back and taking locks costs as much. */
const shortCommand = 60;

export function stageExclusion(
  repo: DataRepo,
  onWarning: (message: string) => void,
  signal: AbortSignal | undefined,
): StageExclusion {
  const locks = new RwLock(path.join(repo.root, '.dvc/tmp'), repo.commandLine);
  return {
    async exclusively(stage, work) {
      const paths = pathsOf(repo, stage);
      let waited = false;
      for (let busy = locks.conflict(paths); busy !== undefined; busy = locks.conflict(paths)) {
        const { holder } = busy;
        if (!waited) onWarning(`stage '${stage.address}' waits for process ${holder.pid} (${holder.cmd})`);
        waited = true;
        await repo.unlocked(() => sleep(300, undefined, { signal }));
      }
      return work(waited);
    },
    async whileRunning(stage, work) {
      const paths = pathsOf(repo, stage);
      const running = work();
      if (await endsSoon(running)) return running;
      await locks.add(paths);
      try {
        return await repo.unlocked(() => running);
      } finally {
        await locks.remove(paths);
      }
    },
  };
}

async function endsSoon(running: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), shortCommand);
  });
  const ended = running.then(
    () => true,
    () => true,
  );
  const soon = await Promise.race([ended, late]);
  clearTimeout(timer);
  return soon;
}
