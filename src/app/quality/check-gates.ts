import { isMlopsError } from '../../base/index.ts';
import type { ModelVersion, Stage } from '../../mlflow/index.ts';
import { failingText, reportLines } from '../../quality/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { gateTag } from '../../tracking/index.ts';
import type { DataPlaces } from '../monitor/data-source.ts';
import { readSelector, versionIfAny, versionNamed } from '../registry/resolve-model.ts';
import { checkData } from './check-data.ts';
import { checkCode, type CodeContext } from './code-gates.ts';
import { checkModel } from './gates.ts';
import { defaultStage } from './gates-file.ts';
import { recordOf, uriOf, type GateResult, type ModelCheck } from './gate-result.ts';

/** All that was checked, in the order of the table. */
export interface GatesReport {
  readonly success: boolean;
  readonly data: readonly GateResult[];
  readonly code: readonly GateResult[];
  readonly models: readonly ModelCheck[];
  /** What was not checked, and why. */
  readonly skipped: readonly string[];
}

export interface GatesContext extends CodeContext {
  readonly places: DataPlaces;
}

/** Checks one version, and records the result on it. @throws MlopsError `model_not_found`. */
export async function checkVersion(context: GatesContext, uri: string, stage?: Stage): Promise<ModelCheck> {
  return context.places.withStore(async (store) => {
    const version = await versionNamed(store, readSelector(uri));
    return checkAndRecord(context, store, version, stage ?? defaultStage(context.gates, version.name));
  });
}

async function checkAndRecord(
  context: GatesContext,
  store: TrackingStore,
  version: ModelVersion,
  stage: Stage,
): Promise<ModelCheck> {
  context.onStep?.(`${uriOf(version)} for ${stage}`);
  const check = await checkModel({ ...context, store }, version, stage);
  await recordCheck(store, check);
  return check;
}

/** Writes the result of a check on its version. */
export async function recordCheck(store: TrackingStore, check: ModelCheck, override?: string): Promise<void> {
  const value = JSON.stringify(recordOf(check, override));
  await store.setModelVersionTag(check.model, check.version, { key: gateTag(check.stage), value });
}

/**
 * Data checks, code checks, and the gates of models: those named, else the newest version of each model that gates.yaml
 * names.
 */
export async function checkAll(context: GatesContext, uris: readonly string[]): Promise<GatesReport> {
  const data = await checkDataGates(context);
  const code = await checkCode(context);
  const skipped: string[] = [];
  const models: ModelCheck[] = [];
  for (const uri of uris) models.push(await checkVersion(context, uri));
  if (uris.length === 0) {
    const names = [...(context.gates.models?.keys() ?? [])];
    if (names.length > 0) {
      const found = await checkNewest(context, names);
      models.push(...found.models);
      skipped.push(...found.skipped);
    } else skipped.push('models: gates.yaml names none, and none was given');
  }
  const success = [...data, ...code].every((gate) => gate.passed) && models.every((model) => model.success);
  return { success, data, code, models, skipped };
}

async function checkNewest(
  context: GatesContext,
  names: readonly string[],
): Promise<Pick<GatesReport, 'models' | 'skipped'>> {
  const models: ModelCheck[] = [];
  const skipped: string[] = [];
  try {
    await context.places.withStore(async (store) => {
      for (const name of names) {
        const version = await newestOf(store, name);
        if (version === undefined) skipped.push(`model ${name}: it has no version yet`);
        else models.push(await checkAndRecord(context, store, version, defaultStage(context.gates, name)));
      }
    });
  } catch (error) {
    if (!isMlopsError(error, 'not_a_project')) throw error;
    skipped.push(`models ${names.join(', ')}: nothing is registered yet`);
  }
  return { models, skipped };
}

async function newestOf(store: TrackingStore, name: string): Promise<ModelVersion | undefined> {
  try {
    return await versionIfAny(store, await store.getRegisteredModel(name), 'latest');
  } catch (error) {
    if (isMlopsError(error, 'resource_missing')) return undefined;
    throw error;
  }
}

/** A gate for each data file. */
export async function checkDataGates({ gates, places, signal, onStep }: GatesContext): Promise<GateResult[]> {
  const results: GateResult[] = [];
  for (const { file, schema } of gates.data ?? []) {
    onStep?.(file);
    const { success, files } = await checkData({ ...places, cwd: gates.folder }, { files: [file], schema, signal });
    const lines = files.flatMap((one) => reportLines(one));
    const failed = lines.filter((line) => !line.success);
    const found = failed.slice(0, 3).map((line) => {
      const rows = failingText(line.failing, 2);
      return `${line.title}: ${line.found}${rows === '' ? '' : ` (${rows})`}`;
    });
    results.push({
      gate: 'data',
      name: file,
      passed: success,
      expected: `${lines.length} expectations of ${schema}`,
      found: success ? 'all hold' : `${failed.length} fail: ${found.join('; ')}${failed.length > 3 ? '...' : ''}`,
      ...(success ? {} : { details: files }),
    });
  }
  return results;
}
