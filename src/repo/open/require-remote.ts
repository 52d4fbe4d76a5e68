import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { PipelineProject, RemoteSection } from './pipeline-project.ts';

/**
 * @param wrongName what a name that no remote has (or none at all) is a fault of: of the command, which then ends with its own status,
 * or of the configuration (251), as DVC has it for some verbs.
 * @throws MlopsError `no_remote` with the way to set one, `bad_config`.
 */
export function requireRemote(
  repo: Pick<PipelineProject, 'remote'>,
  name: string | undefined,
  wrongName: 'command' | 'config' = 'command',
): RemoteSection {
  const remote = wrongName === 'config' ? repo.remote(name) : namedRemote(repo, name);
  if (remote !== undefined) return remote;
  throw new MlopsError(
    'no_remote',
    'no remote specified. Create a default remote with\n    dvc remote add -d <remote name> <remote url>',
    {
      hint: 'mlops remote add -d storage /path/or/s3://bucket/prefix',
      ...(wrongName === 'config' ? { exit: 251 } : {}),
    },
  );
}

/** A wrong name is the fault of the command, not of the configuration: DVC ends with the verb's own status. */
function namedRemote(repo: Pick<PipelineProject, 'remote'>, name: string | undefined): RemoteSection | undefined {
  try {
    return repo.remote(name);
  } catch (error) {
    if (!isMlopsError(error, 'bad_config')) throw error;
    throw new MlopsError('no_remote', error.message, { hint: 'see them with `mlops remote list`', cause: error });
  }
}
