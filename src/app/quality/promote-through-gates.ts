import { MlopsError } from '../../base/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import { requireGates, type TrackingStore } from '../../tracking/index.ts';
import { promote, type PromoteOptions, type Promoted } from '../registry/promote.ts';
import { versionNamed, type ModelSelector } from '../registry/resolve-model.ts';
import type { DataPlaces } from '../monitor/data-source.ts';
import { recordCheck } from './check-gates.ts';
import { failedNames, type GateResult, type ModelCheck } from './gate-result.ts';
import { checkModel } from './gates.ts';
import { gatesOf, type Gates } from './gates-file.ts';

export interface GatedOptions extends PromoteOptions {
  /** The gates.yaml of where the user stands, if there is one. */
  readonly gates: Gates | undefined;
  readonly places: DataPlaces;
  /** Why the version goes there although gates fail; for the audit trail. */
  readonly override?: string | undefined;
  readonly onStep?: ((what: string) => void) | undefined;
}

export interface GatedPromotion extends Promoted {
  readonly gates: readonly GateResult[];
}

/**
 * Moves a version to a stage when it meets its thresholds and passes the gates of that stage; what the gates say is
 * recorded on the version, an override with its reason in the audit trail.
 *
 * @throws MlopsError `gate_failed`, `usage` for an override without a reason.
 */
export async function promoteThroughGates(
  store: TrackingStore,
  wanted: ModelSelector,
  options: GatedOptions,
): Promise<GatedPromotion> {
  const { override } = options;
  if (override?.trim() === '') {
    throw new MlopsError('usage', '--override needs a reason', { hint: "--override 'why it goes there all the same'" });
  }
  const version = await versionNamed(store, wanted);
  const check = await gatesFor(store, version, options);
  if (check === undefined) {
    if (override === undefined) {
      requireGates(await store.getRegisteredModel(version.name), version, options.stage);
    } else await recordCheck(store, emptyCheck(version, options), override);
    const done = await promote(store, wanted, { ...options, why: why(options, []) });
    return { ...done, gates: [] };
  }
  const failed = failedNames(check.gates);
  await recordCheck(store, check, failed.length > 0 ? override : undefined);
  if (failed.length > 0 && override === undefined) throw refusal(version, check);
  const done = await promote(store, wanted, { ...options, why: why(options, failed) });
  return { ...done, gates: check.gates };
}

async function gatesFor(
  store: TrackingStore,
  version: ModelVersion,
  { gates, places, stage, onStep }: GatedOptions,
): Promise<ModelCheck | undefined> {
  if (gates === undefined || gatesOf(gates, version.name, stage) === undefined) return undefined;
  return checkModel({ store, gates, places, onStep }, version, stage);
}

/** What is recorded where an override stands alone. */
function emptyCheck({ name: model, version }: ModelVersion, { stage, gates }: GatedOptions): ModelCheck {
  const at = new Date().toISOString();
  return { model, version, stage, success: false, gates_hash: gates?.hash ?? '', checked_at: at, gates: [] };
}

function why({ why: reason, override }: GatedOptions, failed: readonly string[]): string | undefined {
  const overridden =
    override === undefined || failed.length === 0 ? override : `${override} (failed gates: ${failed.join(', ')})`;
  const parts = [reason, overridden === undefined ? undefined : `override: ${overridden}`];
  const told = parts.filter((part) => part !== undefined);
  return told.length === 0 ? undefined : told.join('; ');
}

function refusal({ name, version, stage }: ModelVersion, check: ModelCheck): MlopsError {
  const failed = check.gates.filter((gate) => !gate.passed);
  const told = failed.map((gate) => `${gate.gate} ${gate.name}: expected ${gate.expected}, found ${gate.found}`);
  return new MlopsError('gate_failed', `${name} version ${version} stays in ${stage}: ${told.join('; ')}`, {
    hint: `mlops check model models:/${name}/${version} --stage ${check.stage} shows all; --override REASON goes on all the same`,
    data: { gates: check.gates },
  });
}
