import { MlopsError } from '../../base/index.ts';
import { checkModelName, invalid, type Tag } from '../../mlflow/index.ts';

/** What a kind throws when the stored state refuses a request, in MLflow's words. */

export function noExperiment(id: string): MlopsError {
  return new MlopsError('resource_missing', `No Experiment with id=${id} exists`);
}

export function inactiveExperiment(id: string): MlopsError {
  return invalid(`The experiment ${id} must be in the 'active' state. Current state is deleted.`);
}

export function experimentTaken(name: string): MlopsError {
  return new MlopsError('resource_exists', `Experiment(name=${name}) already exists. Error: the name is taken`);
}

/** A rename to a name that is taken: another code than that of a creation, as in MLflow. */
export function newNameTaken(name: string): MlopsError {
  return new MlopsError('bad_request', `Experiment(name=${name}) already exists.`);
}

export function renameOfDeleted(): MlopsError {
  return new MlopsError('invalid_state', 'Cannot rename a non-active experiment.');
}

/** @param wanted the state that the experiment would have to be in. */
export function noExperimentInState(id: string, wanted: 'active' | 'deleted'): MlopsError {
  return new MlopsError('resource_missing', `No Experiment with id=${id} exists in the '${wanted}' state`);
}

export function noExperimentTag(id: string, key: string): MlopsError {
  return new MlopsError('resource_missing', `No tag with name: ${key} in experiment with id ${id}`);
}

export function noRun(id: string): MlopsError {
  return new MlopsError('resource_missing', `Run with id=${id} not found`);
}

export function inactiveRun(id: string): MlopsError {
  return invalid(`The run ${id} must be in the 'active' state. Current state is deleted.`);
}

export function noRunTag(id: string, key: string): MlopsError {
  return new MlopsError('resource_missing', `No tag with name: ${key} in run with id ${id}`);
}

export interface ChangedParam {
  readonly key: string;
  readonly old: string;
  readonly value: string;
}

/** @param single the request had this one param only. */
export function changedParams(id: string, conflicts: readonly ChangedParam[], single: boolean): MlopsError {
  const [first] = conflicts;
  if (single && first !== undefined) {
    return invalid(
      `Changing param values is not allowed. Param with key='${first.key}' was already logged with value='${first.old}' for run ID='${id}'. Attempted logging new value '${first.value}'.`,
    );
  }
  const list = conflicts.map((one) => `{'key': '${one.key}', 'old_value': '${one.old}', 'new_value': '${one.value}'}`);
  return invalid(
    `Changing param values is not allowed. Params were already logged='[${list.join(', ')}]' for run ID='${id}'.`,
  );
}

export function noLoggedModel(id: string): MlopsError {
  return new MlopsError('resource_missing', `Logged model with ID '${id}' not found.`);
}

export function noLoggedModelTag(id: string, key: string): MlopsError {
  return new MlopsError('resource_missing', `No tag with key '${key}' found for model with ID '${id}'.`);
}

export function changedModelParam(id: string, { key, old }: Omit<ChangedParam, 'value'>): MlopsError {
  const changed = `Param with key='${key}' was already logged with value='${old}' for model ID='${id}'`;
  return new MlopsError('bad_request', `Changing param values is not allowed. ${changed}.`);
}

/** A name that none can have is refused as such, unless an old database brought it along. */
export function noModel(name: string): MlopsError {
  checkModelName(name);
  return new MlopsError('resource_missing', `Registered Model with name=${name} not found`);
}

/** Prompts and models share their names; the sentence says which of the two is in the way. */
export function modelTaken(name: string, old: Registered = 'Registered Model', wanted = old): MlopsError {
  if (old === wanted) return new MlopsError('resource_exists', `${wanted} (name=${name}) already exists.`);
  return new MlopsError(
    'resource_exists',
    `Tried to create a ${wanted.toLowerCase()} with name '${name}', but the name is already taken by a ${old.toLowerCase()}. MLflow does not allow creating a model and a prompt with the same name.`,
  );
}

type Registered = 'Prompt' | 'Registered Model';

/** What the registry calls a thing with these tags. */
export function registeredKind(tags: readonly Tag[]): Registered {
  const prompt = tags.some(({ key, value }) => key === 'mlflow.prompt.is_prompt' && value.toLowerCase() === 'true');
  return prompt ? 'Prompt' : 'Registered Model';
}

export function noVersion(name: string, version: string): MlopsError {
  checkModelName(name);
  return new MlopsError('resource_missing', `Model Version (name=${name}, version=${version}) not found`);
}

export function noAlias(alias: string): MlopsError {
  return invalid(`Registered model alias ${alias} not found.`);
}

/** The source of a prompt is whatever its maker wrote: it was never checked, so it is never a place to read from. */
export function noFiles(name: string, version: string): MlopsError {
  return new MlopsError('resource_missing', `Model Version (name=${name}, version=${version}) has no files`);
}

export function noTrace(id: string): MlopsError {
  return new MlopsError('resource_missing', `Trace with ID '${id}' not found.`);
}

export function noTraceTag(id: string, key: string): MlopsError {
  return new MlopsError('resource_missing', `No trace tag with key '${key}' for trace with ID '${id}'`);
}

export function noWebhook(id: string): MlopsError {
  return new MlopsError('resource_missing', `Webhook with ID ${id} not found.`);
}

export function noDataset(id: string): MlopsError {
  return new MlopsError('resource_missing', `Evaluation dataset with id '${id}' not found`);
}

export function noScorer(experimentId: string, name: string, version?: number): MlopsError {
  const which = version === undefined ? `'${name}'` : `'${name}' and version ${version}`;
  return new MlopsError('resource_missing', `Scorer with name ${which} not found for experiment ${experimentId}.`);
}

export function noIssue(id: string): MlopsError {
  return new MlopsError('resource_missing', `Issue with ID '${id}' not found`);
}

/** @param experimentId given where `what` is a name. */
export function noLabelSchema(what: string, experimentId?: string): MlopsError {
  return new MlopsError('resource_missing', absent('Label schema', what, experimentId));
}

export function labelTaken(experimentId: string, name: string): MlopsError {
  const text = `Label schema with name '${name}' already exists for experiment '${experimentId}'.`;
  return new MlopsError('resource_exists', text);
}

/** @param experimentId given where `what` is a name. */
export function noReviewQueue(what: string, experimentId?: string): MlopsError {
  return new MlopsError('resource_missing', absent('Review queue', what, experimentId));
}

function absent(kind: string, what: string, experimentId: string | undefined): string {
  if (experimentId === undefined) return `${kind} with id '${what}' not found.`;
  return `${kind} with name '${what}' not found for experiment '${experimentId}'.`;
}

export function queueTaken(name: string): MlopsError {
  const text = `Review queue with name '${name}' already exists (names are case-insensitive).`;
  return new MlopsError('resource_exists', text);
}

export function noReviewItem(queueId: string, id: string): MlopsError {
  return new MlopsError('resource_missing', `Item '${id}' is not attached to review queue '${queueId}'.`);
}

export function noTracesFor(queueId: string, ids: readonly string[], experimentId: string): MlopsError {
  const shown = ids.map((id) => `'${id}'`).join(', ');
  const why = `they do not exist in experiment '${experimentId}'`;
  return new MlopsError('resource_missing', `Cannot attach trace(s) [${shown}] to review queue '${queueId}': ${why}.`);
}
