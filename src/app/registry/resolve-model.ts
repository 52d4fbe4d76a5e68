import { didYouMean, isMlopsError, MlopsError, nearest } from '../../base/index.ts';
import { everything, readModelUri, type ModelVersion, type RegisteredModel } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';

/** A name with what picks a version of it. */
export interface ModelSelector {
  readonly name: string;
  /** A version number, a stage, `@alias`, or `latest`. */
  readonly selector: string;
}

/** Reads `models:/NAME/SELECTOR`, `models:/NAME@alias`, `NAME@alias`, or a name with a selector beside it. */
export function readSelector(text: string, selector?: string): ModelSelector {
  const named = readModelUri(text.startsWith('models:') ? text : `models:/${text}`);
  return { name: named?.name ?? text, selector: selector ?? named?.selector ?? 'latest' };
}

/** A registered model; an unknown name comes back as `model_not_found` with the nearest one. */
export async function modelNamed(store: TrackingStore, name: string): Promise<RegisteredModel> {
  try {
    return await store.getRegisteredModel(name);
  } catch (error) {
    // What cannot be a name is the name of nothing.
    if (!isMlopsError(error, 'resource_missing') && !isMlopsError(error, 'invalid_value')) throw error;
    const known = await everything((pageToken) => store.searchRegisteredModels({ maxResults: 1000, pageToken }));
    const names = known.map((model) => model.name);
    throw new MlopsError('model_not_found', `there is no registered model '${name}'`, {
      hint: didYouMean(name, names) ?? 'see `mlops models list`',
      cause: error,
    });
  }
}

/**
 * The version that a selector picks now.
 *
 * @throws MlopsError `model_not_found`.
 */
export async function versionNamed(store: TrackingStore, wanted: ModelSelector): Promise<ModelVersion> {
  const { name, selector } = wanted;
  const model = await modelNamed(store, name);
  const found = await versionIfAny(store, model, selector);
  if (found !== undefined) return found;
  const what = isStage(selector)
    ? `no version of model '${name}' is in the stage ${selector}`
    : selector.startsWith('@')
      ? `model '${name}' has no alias '${selector.slice(1)}'`
      : `model '${name}' has no version '${selector}'`;
  throw new MlopsError('model_not_found', what, {
    hint: nearSelector(model, selector) ?? `see \`mlops models show ${name}\``,
  });
}

const stages = ['None', 'Staging', 'Production', 'Archived'];

/** Whether a selector is the name of a stage, in any case. */
export function isStage(selector: string): boolean {
  return stages.some((stage) => stage.toLowerCase() === selector.toLowerCase());
}

/** `did you mean ...?` for a selector that picks nothing, where a stage, an alias or a version is near. */
export function nearSelector(model: RegisteredModel, selector: string): string | undefined {
  const aliases = model.aliases.map(({ alias }) => `@${alias}`);
  const versions = model.latestVersions.map(({ version }) => version);
  const near = nearest(selector, [...stages.filter((stage) => stage !== selector), 'latest', ...aliases, ...versions]);
  return near === undefined ? undefined : `did you mean '${near}'?`;
}

/** As `versionNamed`, or undefined where the model has no such version. */
export async function versionIfAny(
  store: TrackingStore,
  model: RegisteredModel,
  selector: string,
): Promise<ModelVersion | undefined> {
  try {
    if (/^\d+$/.test(selector)) return await store.getModelVersion(model.name, selector);
    if (selector.startsWith('@')) return await store.getVersionByAlias(model.name, selector.slice(1));
    if (selector === '') return undefined;
    if (isStage(selector)) {
      return (await store.getLatestVersions(model.name, [selector]))[0];
    }
    if (selector.toLowerCase() !== 'latest') return await store.getVersionByAlias(model.name, selector);
  } catch (error) {
    if (isMlopsError(error, 'resource_missing') || isMlopsError(error, 'invalid_value')) return undefined;
    throw error;
  }
  const newest = (await store.getLatestVersions(model.name)).toSorted((a, b) => Number(b.version) - Number(a.version));
  return newest[0];
}

export function versionTag(version: ModelVersion, key: string): string | undefined {
  return version.tags.find((tag) => tag.key === key)?.value;
}
