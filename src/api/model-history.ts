import { invalid, limits } from '../mlflow/index.ts';
import type { RunStore } from '../tracking/index.ts';

const tagKey = 'mlflow.log-model.history';

/**
 * What 2.x clients do after `log_model`: the model's description joins a JSON list in a tag of the run. The oldest
 * ones give way where the list would not fit into a tag.
 */
export async function appendModelHistory(store: RunStore, runId: string, modelJson: string): Promise<void> {
  const model = parseModel(modelJson);
  const run = await store.getRun(runId);
  const history = [...parseHistory(run.tags.find((tag) => tag.key === tagKey)?.value), model];
  while (history.length > 1 && JSON.stringify(history).length > limits.tagValue) history.shift();
  await store.setTag(runId, { key: tagKey, value: fit(history) });
}

function parseModel(text: string): Readonly<Record<string, unknown>> {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch {
    throw invalid(`Malformed model info. \n ${text.slice(0, 200)} \n is not valid JSON`);
  }
  if (typeof model !== 'object' || model === null || Array.isArray(model)) {
    throw invalid(`Malformed model info. \n ${text.slice(0, 200)} \n is not a JSON object`);
  }
  for (const field of ['artifact_path', 'flavors', 'utc_time_created', 'run_id']) {
    if (!Object.hasOwn(model, field)) throw invalid(`Model json is missing mandatory fields: {'${field}'}`);
  }
  return model as Record<string, unknown>;
}

function parseHistory(text: string | undefined): unknown[] {
  if (text === undefined) return [];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

/** The list as text; a single description that is too long keeps its short fields. */
function fit(history: readonly unknown[]): string {
  const text = JSON.stringify(history);
  if (text.length <= limits.tagValue) return text;
  const short = Object.entries(history.at(-1) as object).filter(([, value]) => JSON.stringify(value).length <= 500);
  return JSON.stringify([Object.fromEntries(short)]);
}
