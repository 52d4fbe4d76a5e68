import { didYouMean, MlopsError } from '../../base/index.ts';
import { checkModelName, invalid, stages, type Stage } from '../../mlflow/index.ts';

/** The stage in its own spelling. */
export function canonicalStage(stage: string): Stage {
  const found = stages.find((one) => one.toLowerCase() === stage.toLowerCase());
  if (found === undefined) {
    const message = `Invalid Model Version stage: ${stage}. Value must be one of ${stages.join(', ')}.`;
    throw new MlopsError('invalid_value', message, { hint: didYouMean(stage, stages) });
  }
  return found;
}

/** Only the versions of a stage that is in use can make room for another. */
export function checkArchiving(stage: Stage): void {
  if (stage === 'Staging' || stage === 'Production') return;
  throw new MlopsError(
    'invalid_value',
    `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are Staging, Production`,
  );
}

/** The number that a version's text stands for. */
export function versionNumber(name: string, version: string): number {
  if (/^\s*-?\d{1,15}\s*$/.test(version)) return Number(version);
  checkModelName(name);
  throw invalid(`Parameter 'version' must be an integer, got '${version}'.`);
}

/**
 * The list in the tag `mlflow.modelVersions` of a logged model, one version longer: MLflow's clients read there
 * which versions were made of it. A list that is no list begins anew.
 */
export function withVersion(list: string | undefined, name: string, version: number): string {
  let known: unknown = [];
  try {
    known = JSON.parse(list ?? '[]');
  } catch {
    // A client wrote something else there.
  }
  return JSON.stringify([...(Array.isArray(known) ? known : []), { name, version }]);
}
