import type { Stage } from '../project/index.ts';
import type { DataRepo } from './data-repo.ts';

/** Runs the work of a stage while no other process works on its files. */
export function stageExclusion(
  _repo: DataRepo,
  _onWarning: (message: string) => void,
  _signal: AbortSignal | undefined,
): <Result>(stage: Stage, work: () => Promise<Result>) => Promise<Result> {
  return (_stage, work) => work();
}
