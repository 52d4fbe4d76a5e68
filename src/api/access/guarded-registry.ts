import type { Action, Requirement } from '../../auth/index.ts';
import { isMlopsError } from '../../base/index.ts';
import { readLoggedModelUri, readModelUri, type RegisteredModel, type Tag } from '../../mlflow/index.ts';
import type { RegistryStore } from '../../tracking/index.ts';
import type { Where } from './guarded-tracking.ts';
import { denied, inExperiment, isAdmin, type Gate } from './needs.ts';
import { readable } from './readable.ts';

type Kind = 'prompt' | 'registered_model';

function kindOf(tags: readonly Tag[]): Kind {
  const tag = tags.findLast(({ key }) => key === 'mlflow.prompt.is_prompt');
  return tag?.value.toLowerCase() === 'true' ? 'prompt' : 'registered_model';
}

/** Models and prompts share the registry, but not their grants. */
export function guardedRegistry(store: RegistryStore, gate: Gate, where: Where): RegistryStore {
  /** Undefined for a name that nobody has. */
  const find = async (name: string): Promise<RegisteredModel | undefined> => {
    try {
      return await store.getRegisteredModel(name);
    } catch (error) {
      if (isMlopsError(error, 'resource_missing') || isMlopsError(error, 'invalid_value')) return undefined;
      throw error;
    }
  };
  const kind = async (name: string): Promise<Kind | undefined> => {
    const found = await find(name);
    return found === undefined ? undefined : kindOf(found.tags);
  };
  /** What belongs to the name itself. A name that nobody has is judged as a model: who may read hears that it is absent. */
  const need = async (name: string, action: Action): Promise<void> => {
    if (isAdmin()) return;
    gate.need({ type: (await kind(name)) ?? 'registered_model', id: name, action });
  };
  const versions = async (
    name: string,
    rules: (container: { type: Kind; id: string }, versionType: string) => readonly Requirement[],
  ): Promise<void> => {
    if (isAdmin()) return;
    const type = await kind(name);
    if (type === undefined) throw denied();
    gate.need(...rules({ type, id: name }, `${type}_version`));
  };
  const readVersion = (name: string): Promise<void> =>
    versions(name, (of, type) => [
      { ...of, action: 'read' },
      { type, id: '*', action: 'not_denied' },
    ]);
  const actOnVersion = (name: string, action: Action): Promise<void> =>
    versions(name, (of, type) => [
      { ...of, action: 'read' },
      { type, id: '*', action, inherits: [of] },
    ]);
  const alias = async (name: string, action: Action): Promise<void> => {
    await need(name, action);
    await versions(name, (of, type) => [{ type, id: '*', action: 'read', inherits: [of] }]);
  };
  const mayReadModel = (model: RegisteredModel): boolean => gate.canRead(kindOf(model.tags), model.name);
  /** The newest versions that come along with a model are versions too. */
  const shown = (model: RegisteredModel): RegisteredModel =>
    gate.may({ type: `${kindOf(model.tags)}_version`, id: '*', action: 'not_denied' })
      ? model
      : { ...model, latestVersions: [] };
  return {
    createRegisteredModel: async (name, options) => {
      const type = kindOf(options?.tags ?? []);
      gate.need({ type, id: name, action: 'not_denied' });
      const made = await store.createRegisteredModel(name, options);
      await gate.own(type, name);
      return made;
    },
    getRegisteredModel: async (name) => {
      await need(name, 'read');
      return shown(await store.getRegisteredModel(name));
    },
    updateRegisteredModel: async (name, description) => {
      await need(name, 'update');
      return store.updateRegisteredModel(name, description);
    },
    renameRegisteredModel: async (name, newName) => {
      await need(name, 'update');
      const type = (await kind(name)) ?? 'registered_model';
      const renamed = await store.renameRegisteredModel(name, newName);
      await gate.gone(type, name, newName);
      return renamed;
    },
    deleteRegisteredModel: async (name) => {
      await versions(name, (of, type) => [
        { ...of, action: 'delete' },
        { type, id: '*', action: 'delete', inherits: [of] },
      ]);
      await store.deleteRegisteredModel(name);
      await gate.gone('registered_model', name);
      await gate.gone('prompt', name);
    },
    searchRegisteredModels: async (search) => {
      if (isAdmin()) return store.searchRegisteredModels(search);
      const page = await readable(
        search,
        (paging) => store.searchRegisteredModels({ ...search, ...paging }),
        mayReadModel,
      );
      return { ...page, items: page.items.map(shown) };
    },
    setRegisteredModelTag: async (name, tag) => {
      await need(name, 'update');
      return store.setRegisteredModelTag(name, tag);
    },
    deleteRegisteredModelTag: async (name, key) => {
      await need(name, 'update');
      return store.deleteRegisteredModelTag(name, key);
    },
    setAlias: async (name, given, version, motive) => {
      await alias(name, 'update');
      return store.setAlias(name, given, version, motive);
    },
    deleteAlias: async (name, given, motive) => {
      await alias(name, 'delete');
      return store.deleteAlias(name, given, motive);
    },
    getVersionByAlias: async (name, given) => {
      await readVersion(name);
      return store.getVersionByAlias(name, given);
    },
    getLatestVersions: async (name, stages) => {
      await readVersion(name);
      return store.getLatestVersions(name, stages);
    },
    createModelVersion: async (version) => {
      await versions(version.name, (of, type) => [
        { ...of, action: 'update' },
        { type, id: '*', action: 'not_denied' },
      ]);
      if (!isAdmin()) await needSource(version, need, gate, where);
      return store.createModelVersion(version);
    },
    getModelVersion: async (name, version) => {
      await readVersion(name);
      return store.getModelVersion(name, version);
    },
    updateModelVersion: async (name, version, description) => {
      await actOnVersion(name, 'update');
      return store.updateModelVersion(name, version, description);
    },
    deleteModelVersion: async (name, version) => {
      await actOnVersion(name, 'delete');
      return store.deleteModelVersion(name, version);
    },
    transitionStage: async (name, version, transition) => {
      await actOnVersion(name, 'update');
      return store.transitionStage(name, version, transition);
    },
    getDownloadUri: async (name, version) => {
      await readVersion(name);
      return store.getDownloadUri(name, version);
    },
    searchModelVersions: async (search) => {
      if (isAdmin()) return store.searchModelVersions(search);
      return readable(
        search,
        (page) => store.searchModelVersions({ ...search, ...page }),
        ({ name, tags }) =>
          gate.canRead(kindOf(tags), name) &&
          gate.may({ type: `${kindOf(tags)}_version`, id: '*', action: 'not_denied' }),
      );
    },
    setModelVersionTag: async (name, version, tag) => {
      await actOnVersion(name, 'update');
      return store.setModelVersionTag(name, version, tag);
    },
    deleteModelVersionTag: async (name, version, key) => {
      await actOnVersion(name, 'delete');
      return store.deleteModelVersionTag(name, version, key);
    },
    promotions: async (name, version) => {
      await readVersion(name);
      return store.promotions(name, version);
    },
  };
}

/** Who registers a version shows its files to all that may read the model: so they must be theirs to read. */
async function needSource(
  { source, runId, modelId }: Parameters<RegistryStore['createModelVersion']>[0],
  needModel: (name: string, action: Action) => Promise<void>,
  gate: Gate,
  { runs, models }: Where,
): Promise<void> {
  const from = readModelUri(source);
  if (from !== undefined) return needModel(from.name, 'read');
  if (runId !== undefined && runId !== '') gate.need(...inExperiment('run', await runs.of(runId), 'read'));
  for (const id of new Set([modelId, readLoggedModelUri(source)])) {
    if (id !== undefined && id !== '') gate.need(...inExperiment('logged_model', await models.of(id), 'read'));
  }
  const experiment = /^mlflow-artifacts:\/{1,3}(\d+)(?:\/|$)/.exec(source)?.[1];
  if (experiment !== undefined && runId === undefined)
    gate.need({ type: 'experiment', id: experiment, action: 'read' });
}
