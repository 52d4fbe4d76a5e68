import { MlopsError } from '../../base/index.ts';
import type { ModelVersion, RegisteredModel, Stage, Tag } from '../../mlflow/index.ts';

/** Tag of a registered model whose versions are promoted only after their gates passed; its value is `required`. */
const requiringTag = 'mlops.gates';

/** Tag of a version with the result of its gates for a stage, as JSON. */
export function gateTag(stage: Stage): string {
  return `mlops.gates.${stage}`;
}

/** Aliases that mean a promotion. */
const promoted = new Set(['champion', 'production']);

/**
 * Refuses to move a version of a model tagged `mlops.gates=required` to a stage whose gates it has not passed. What passed
 * for Production may go to Staging too; an override with its reason counts as passed.
 *
 * @throws MlopsError `gate_failed`.
 */
export function requireGates(model: Pick<RegisteredModel, 'tags'>, version: ModelVersion, stage: Stage): void {
  if (stage === 'None' || stage === 'Archived' || !demandsGates(model.tags)) return;
  const accepted: readonly Stage[] = stage === 'Staging' ? ['Staging', 'Production'] : [stage];
  if (accepted.some((one) => hasPassed(version, one))) return;
  throw refusal(version, stage);
}

/** Whether who sets an alias promotes to Production by it. */
export function meansPromotion(alias: string): boolean {
  return promoted.has(alias.toLowerCase());
}

export function demandsGates(tags: readonly Tag[]): boolean {
  return tags.some(({ key, value }) => key === requiringTag && value.toLowerCase() === 'required');
}

function hasPassed(version: ModelVersion, stage: Stage): boolean {
  const text = version.tags.find(({ key }) => key === gateTag(stage))?.value;
  try {
    const record = JSON.parse(text ?? 'null') as { passed?: unknown; version?: unknown; override?: unknown } | null;
    if (record?.version !== version.version) return false;
    return record.passed === true || (typeof record.override === 'string' && record.override !== '');
  } catch {
    return false;
  }
}

function refusal({ name, version }: ModelVersion, stage: Stage): MlopsError {
  return new MlopsError(
    'gate_failed',
    `Model '${name}' requires gates: version ${version} has not passed those for ${stage}.`,
    { hint: `run \`mlops check model models:/${name}/${version} --stage ${stage}\` first` },
  );
}
