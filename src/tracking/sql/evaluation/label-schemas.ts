import { checkLabelChange, defaultLabel, invalid, type LabelSchema } from '../../../mlflow/index.ts';
import { labelTaken, noLabelSchema } from '../../rules/index.ts';
import type { NewLabelSchema, ReviewStore } from '../../evaluation-store.ts';
import type { Context } from '../context.ts';
import { pageOf } from '../search/simple-search.ts';
import { sql } from '../sql.ts';
import { all, get, run, type Work } from '../work.ts';
import { newId, pageOfRows, presentExperiment } from './rows.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly body: string;
}

type Body = Omit<LabelSchema, 'id' | 'experimentId' | 'name'>;

type LabelStore = Pick<
  ReviewStore,
  | 'createLabelSchema'
  | 'getLabelSchema'
  | 'getLabelSchemaByName'
  | 'listLabelSchemas'
  | 'updateLabelSchema'
  | 'deleteLabelSchema'
>;

export function labelSchemasOf(c: Context): LabelStore {
  return {
    createLabelSchema: (schema) =>
      c.writeAlone(function* () {
        const experiment = yield* presentExperiment(schema.experimentId);
        if (yield* taken(experiment, schema.name)) throw labelTaken(schema.experimentId, schema.name);
        return yield* toSchema(c, yield* insert(experiment, schema, false));
      }),
    getLabelSchema: (id) =>
      c.read(function* () {
        return yield* toSchema(c, yield* need(id));
      }),
    getLabelSchemaByName: (experimentId, name) =>
      c.read(function* () {
        const experiment = yield* presentExperiment(experimentId);
        const row = yield* get<Row>(
          sql`SELECT * FROM label_schemas WHERE experiment = ${experiment} AND name = ${name}`,
        );
        if (row === undefined) throw noLabelSchema(name, experimentId);
        return yield* toSchema(c, row);
      }),
    listLabelSchemas: (experimentId, query) =>
      c.write(function* () {
        const experiment = yield* presentExperiment(experimentId);
        yield* insert(experiment, { experimentId, ...standard }, true);
        const asked = { ...query, maxResults: query.maxResults ?? 100 };
        const found = yield* pageOfRows(['label schemas', experimentId], asked, (limit, offset) =>
          all<Row>(
            sql`SELECT * FROM label_schemas WHERE experiment = ${experiment} ORDER BY n DESC
              LIMIT ${limit} OFFSET ${offset}`,
          ),
        );
        return yield* pageOf(found, (row) => toSchema(c, row));
      }),
    updateLabelSchema: (id, change) =>
      c.writeAlone(function* () {
        const row = yield* need(id);
        const before = yield* toSchema(c, row);
        checkLabelChange(before, change);
        const { name = row.name } = change;
        if (name !== row.name && (yield* taken(row.experiment, name))) throw labelTaken(before.experimentId, name);
        const body: Body = {
          ...(JSON.parse(row.body) as Body),
          ...(change.instruction === undefined ? {} : { instruction: change.instruction }),
          ...(change.enableComment === undefined ? {} : { enableComment: change.enableComment }),
          ...(change.input === undefined ? {} : { input: change.input }),
          lastUpdatedTime: Date.now(),
        };
        yield* run(sql`UPDATE label_schemas SET name = ${name}, body = ${JSON.stringify(body)} WHERE n = ${row.n}`);
        return yield* toSchema(c, yield* need(id));
      }),
    deleteLabelSchema: (id) =>
      c.write(function* () {
        const row = yield* get<Row>(sql`SELECT * FROM label_schemas WHERE id = ${id}`);
        if (row === undefined) return;
        if ((JSON.parse(row.body) as Body).isDefault) {
          throw invalid("The experiment's default question cannot be deleted.");
        }
        yield* run(sql`DELETE FROM label_schemas WHERE n = ${row.n}`);
      }),
  };
}

/** The question that every experiment has. */
const standard = { ...defaultLabel, type: 'FEEDBACK', enableComment: false, input: { text: {} } } as const;

function* taken(experiment: number, name: string): Work<boolean> {
  const found = yield* get(sql`SELECT 1 FROM label_schemas WHERE experiment = ${experiment} AND name = ${name}`);
  return found !== undefined;
}

/** Where the name is taken nothing happens. */
function* insert(experiment: number, schema: NewLabelSchema, isDefault: boolean): Work<Row> {
  const { name, type, instruction, enableComment, input } = schema;
  const now = Date.now();
  const body: Body = { type, instruction, enableComment, input, isDefault, createdTime: now, lastUpdatedTime: now };
  yield* run(
    sql`INSERT INTO label_schemas (id, experiment, name, body)
      VALUES (${newId('ls-')}, ${experiment}, ${name}, ${JSON.stringify(body)}) ON CONFLICT (experiment, name) DO NOTHING`,
  );
  const row = yield* get<Row>(sql`SELECT * FROM label_schemas WHERE experiment = ${experiment} AND name = ${name}`);
  if (row === undefined) throw noLabelSchema(name, schema.experimentId);
  return row;
}

function* need(id: string): Work<Row> {
  const row = yield* get<Row>(sql`SELECT * FROM label_schemas WHERE id = ${id}`);
  if (row === undefined) throw noLabelSchema(id);
  return row;
}

function* toSchema(c: Context, { id, experiment, name, body }: Row): Work<LabelSchema> {
  const { instruction, ...rest } = JSON.parse(body) as Body;
  return { id, experimentId: yield* c.experimentId(experiment), name, instruction, ...rest };
}
