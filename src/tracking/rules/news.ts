import type { Json, Tag, WebhookEntity, WebhookEvent } from '../../mlflow/index.ts';
import type { NewModelVersion } from '../types.ts';

/**
 * A change of the registry that webhooks may want to hear of. MLflow keeps prompts in the tables of models, so what
 * it is depends on the model; the forms are those of MLflow's `webhooks/types.py`.
 */
export interface News {
  /** The registered model, or the prompt. */
  readonly name: string;
  readonly action: WebhookEvent['action'];
  /** Undefined where nobody is told of it when it is a model. */
  readonly model: WebhookEntity | undefined;
  readonly prompt: WebhookEntity;
  readonly data: (isPrompt: boolean) => Json;
}

const isPromptTag = 'mlflow.prompt.is_prompt';
const promptText = 'mlflow.prompt.text';
const hiddenTags = new Set([isPromptTag, '_mlflow_prompt_type']);

const alias = { model: 'model_version_alias', prompt: 'prompt_alias' } as const;
const versionTag = { model: 'model_version_tag', prompt: 'prompt_version_tag' } as const;
const promptTag = { model: undefined, prompt: 'prompt_tag' } as const;

/** Whether a registered model of these tags is a prompt. */
export function isPrompt(tags: readonly Tag[]): boolean {
  return tags.some(({ key, value }) => key === isPromptTag && value.toLowerCase() === 'true');
}

export function modelCreated(name: string, tags: readonly Tag[], description: string): News {
  const data = (prompt: boolean): Json => ({ name, tags: shown(tags, prompt), description });
  return { name, action: 'created', model: 'registered_model', prompt: 'prompt', data };
}

export function versionCreated(wanted: NewModelVersion, version: string): News {
  const { name, source, runId: run_id = null, description = null, tags = [] } = wanted;
  const data = (prompt: boolean): Json => {
    if (!prompt) return { name, version, source, run_id, tags: shown(tags, false), description };
    const { [promptText]: template = null, ...rest } = shown(tags, true);
    return { name, version, template, tags: rest, description };
  };
  return { name, action: 'created', model: 'model_version', prompt: 'prompt_version', data };
}

export function aliasSet(name: string, set: string, version: string): News {
  return { name, action: 'created', ...alias, data: () => ({ name, alias: set, version }) };
}

export function aliasDeleted(name: string, deleted: string): News {
  return { name, action: 'deleted', ...alias, data: () => ({ name, alias: deleted }) };
}

export function versionTagSet(name: string, version: string, { key, value }: Tag): News {
  return { name, action: 'set', ...versionTag, data: () => ({ name, version, key, value }) };
}

export function versionTagDeleted(name: string, version: string, key: string): News {
  return { name, action: 'deleted', ...versionTag, data: () => ({ name, version, key }) };
}

export function modelTagSet(name: string, { key, value }: Tag): News {
  return { name, action: 'set', ...promptTag, data: () => ({ name, key, value }) };
}

export function modelTagDeleted(name: string, key: string): News {
  return { name, action: 'deleted', ...promptTag, data: () => ({ name, key }) };
}

function shown(tags: readonly Tag[], prompt: boolean): Record<string, string> {
  const kept = tags.filter(({ key }) => !prompt || !hiddenTags.has(key));
  return Object.fromEntries(kept.map(({ key, value }) => [key, value]));
}
