import { configError, isStorageScheme, schemeOf, type Stage } from '../../project/index.ts';
import type { PipelineProject } from './pipeline-project.ts';

/** @throws MlopsError `bad_config` for a URL that no store has, and for a `remote://` of a remote that is not there. */
export function checkPlaces(stages: readonly Stage[], remote: PipelineProject['remote']): void {
  for (const stage of stages) {
    for (const { defPath } of [...stage.deps, ...stage.outs]) {
      const scheme = schemeOf(defPath);
      if (scheme === '') continue;
      if (scheme === 'remote') remote(/^remote:\/\/([^/]*)/.exec(defPath)?.[1]);
      else if (!isStorageScheme(scheme)) throw configError(`Unsupported URL type ${scheme}://`);
    }
  }
}
