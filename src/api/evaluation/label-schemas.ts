import {
  checkInstruction,
  checkLabelName,
  invalid,
  labelSchemaToJson,
  labelTypes,
  listToJson,
  readLabelInput,
  type Fields,
  type Json,
  type LabelSchema,
} from '../../mlflow/index.ts';
import type { EvaluationStore } from '../../tracking/index.ts';
import { done } from '../experiments.ts';
import type { ApiRoute } from '../route.ts';
import { readPage } from './pages.ts';
import { experimentOf } from './scorers.ts';

/** Questions that people are asked about traces. */
export function labelSchemaRoutes(store: EvaluationStore): readonly ApiRoute[] {
  const version = '3.0';
  const schema = async (found: Promise<LabelSchema>): Promise<Json> => ({
    label_schema: labelSchemaToJson(await found),
  });
  return [
    { method: 'POST', path: '/label-schemas/create', version, answer: (fields) => schema(create(store, fields)) },
    {
      ...{ method: 'GET', path: '/label-schemas/get', version },
      answer: (fields) => schema(store.getLabelSchema(fields.need('schema_id'))),
    },
    {
      ...{ method: 'GET', path: '/label-schemas/get-by-name', version },
      answer: (fields) => schema(store.getLabelSchemaByName(experimentOf(fields), fields.need('name'))),
    },
    {
      // The list makes the question that each experiment has.
      ...{ method: 'GET', path: '/label-schemas/list', version },
      answer: async (fields) => {
        const page = await store.listLabelSchemas(experimentOf(fields), readPage(fields));
        return {
          label_schemas: listToJson(page.items, labelSchemaToJson),
          next_page_token: page.nextPageToken ?? '',
        };
      },
    },
    {
      ...{ method: 'PATCH', path: '/label-schemas/update', version },
      answer: (fields) =>
        schema(
          store.updateLabelSchema(fields.need('schema_id'), {
            name: fields.text('name'),
            instruction: fields.text('instruction'),
            enableComment: fields.flag('enable_comment'),
            input: fields.has('input') ? readLabelInput(fields.message('input')) : undefined,
          }),
        ),
    },
    {
      ...{ method: 'DELETE', path: '/label-schemas/delete', version },
      answer: done((fields) => store.deleteLabelSchema(fields.need('schema_id'))),
    },
  ];
}

function create(store: EvaluationStore, fields: Fields): Promise<LabelSchema> {
  const [experimentId, name] = [experimentOf(fields), fields.need('name')];
  const type = unspecified(fields, 'type') ? undefined : fields.choice('type', labelTypes);
  if (type === undefined) throw invalid('Label schema `type` must be one of FEEDBACK or EXPECTATION.');
  const input = readLabelInput(fields.message('input'));
  const instruction = fields.text('instruction');
  checkLabelName(name);
  checkInstruction(instruction);
  const enableComment = fields.flag('enable_comment') ?? false;
  return store.createLabelSchema({ experimentId, name, type, instruction, enableComment, input });
}

/** Whether an enumeration has its first value, which stands for none. */
export function unspecified(fields: Fields, name: string): boolean {
  const value = fields.raw(name);
  return value === 0 || (typeof value === 'string' && /_UNSPECIFIED$/i.test(value));
}
