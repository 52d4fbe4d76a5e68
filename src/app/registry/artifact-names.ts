import { MlopsError, pathFault } from '../../base/index.ts';

/**
 * A tracking server (or its bucket) names artifacts as it likes; files of this machine get good names only.
 * @throws MlopsError `forbidden_place`.
 */
export function requireFileName(artifact: string): void {
  const fault = pathFault(artifact);
  if (fault === undefined) return;
  throw new MlopsError('forbidden_place', `the artifact '${artifact}' is not copied: '${fault.name}' ${fault.why}`, {
    hint: 'whoever wrote it there wants to write elsewhere: do not use this model',
    data: { path: artifact },
  });
}
