/** Deps and outputs of pipeline stages that lie elsewhere: `s3://`, `http(s)://`, `remote://name/path`. */
import { isMlopsError, MlopsError } from '../../base/index.ts';
import type { ContentStatus } from '../../data/index.ts';
import { type ContentInfo, type Dep, type Out, type Stage } from '../../project/index.ts';
import { sourceFacts } from './import-source.ts';
import { digestOf } from '../open/content-of.ts';
import type { PipelineProject } from '../open/pipeline-project.ts';

/**
 * The facts by which DVC recognises what a URL names: the etag of an object, the etag header (or `Content-MD5`) of a
 * page, for a folder on S3 a digest over the etags below it. Undefined when there is nothing.
 *
 * @throws MlopsError what its store throws: `remote_unreachable`, `no_remote`, ...
 */
export async function externalContent(
  project: PipelineProject,
  url: string,
  signal: AbortSignal | undefined,
): Promise<ContentInfo | undefined> {
  try {
    return await sourceFacts(project, { defPath: url, shown: url, place: url }, { signal });
  } catch (error) {
    if (isMlopsError(error, 'missing_dependency')) return undefined;
    throw error;
  }
}

/** A page whose server does not answer is gone, as for DVC: the rest of a status does not wait for it. */
async function contentOrGone(
  project: PipelineProject,
  url: string,
  signal: AbortSignal | undefined,
): Promise<ContentInfo | undefined> {
  try {
    return await externalContent(project, url, signal);
  } catch (error) {
    const isSilent = isMlopsError(error, 'remote_unreachable') || isMlopsError(error, 'remote_denied');
    if (isSilent && /^https?:/i.test(url)) return undefined;
    throw error;
  }
}

/** How what a URL names differs from what was recorded of it. What was never recorded is `modified`, as in DVC. */
export async function externalStatus(
  project: PipelineProject,
  entry: Dep | Out,
  signal: AbortSignal | undefined,
): Promise<ContentStatus | undefined> {
  const now = await contentOrGone(project, entry.defPath, signal);
  if (now === undefined) return 'deleted';
  const known = digestOf(entry.info);
  return known !== undefined && known === digestOf(now) ? undefined : 'modified';
}

/** Outputs outside the project cannot be in its cache. DVC says so after the command ran. */
export function refuseCachedOutside(stage: Stage): void {
  const outside = stage.outs.find((out) => out.cache && out.path === undefined);
  if (outside === undefined) return;
  throw new MlopsError(
    'bad_pipeline',
    `Saving cached external output ${outside.defPath} is not supported since DVC 3.0. ` +
      'See <https://dvc.org/doc/user-guide/upgrade> for more info.',
    { hint: 'give the output `cache: false`, or a path inside the project' },
  );
}
