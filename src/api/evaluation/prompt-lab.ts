import { invalid, runToJson, type Fields, type Json, type Param } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { ApiRoute } from '../route.ts';

const table = 'eval_results_table.json';

/** Runs that the web UI's prompt lab makes: a prompt, what was put into it, and what a model answered. */
export function promptLabRoutes(store: TrackingStore): readonly ApiRoute[] {
  return [
    {
      ...{ method: 'POST', path: '/runs/create-promptlab-run', ajaxOnly: true },
      answer: async (fields) => ({ run: await create(store, fields) }),
    },
  ];
}

async function create(store: TrackingStore, fields: Fields): Promise<Json> {
  const need = (name: string): string => {
    const value = fields.filled(name);
    if (value === undefined) throw invalid(`CreatePromptlabRun request must specify ${name}.`);
    return value;
  };
  const experimentId = need('experiment_id');
  const template = need('prompt_template');
  const inputs = pairs(fields, 'prompt_parameters');
  if (inputs.length === 0) throw invalid('CreatePromptlabRun request must specify prompt_parameters.');
  const route = need('model_route');
  const input = need('model_input');
  need('mlflow_version');
  const { info } = await store.createRun({
    experimentId,
    userId: fields.filled('user_id') ?? 'unknown',
    name: fields.filled('run_name'),
    startTime: fields.integer('start_time') ?? Date.now(),
    tags: pairs(fields, 'tags'),
  });
  await store.logBatch(info.id, {
    params: [
      ...pairs(fields, 'model_parameters'),
      { key: 'model_route', value: route },
      { key: 'prompt_template', value: template },
    ],
    tags: [
      { key: 'mlflow.loggedArtifacts', value: JSON.stringify([{ path: table, type: 'table' }]) },
      { key: 'mlflow.runSourceType', value: 'PROMPT_ENGINEERING' },
    ],
  });
  const output = fields.text('model_output') ?? '';
  const outputs = pairs(fields, 'model_output_parameters');
  const cells = [...inputs, { key: 'prompt', value: input }, { key: 'output', value: output }, ...outputs];
  const content = { columns: cells.map(({ key }) => key), data: [cells.map(({ value }) => value)] };
  await store.artifacts(info.artifactUri).put(table, Buffer.from(JSON.stringify(content)));
  await store.updateRun(info.id, { status: 'FINISHED', endTime: Date.now() });
  return runToJson(await store.getRun(info.id));
}

/** Keys and values, numbers as texts. */
function pairs(fields: Fields, name: string): Param[] {
  return fields.messages(name).map((one) => ({ key: one.need('key'), value: one.text('value') ?? '' }));
}
