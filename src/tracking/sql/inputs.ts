import type { DatasetInput, ModelOutput, Tag } from '../../mlflow/index.ts';
import { group } from './group.ts';
import { among, raw, sql } from './sql.ts';
import { all, one, rowsOf, run, type Ask, type Work } from './work.ts';

interface InputRow {
  readonly run: number;
  readonly input: number;
  readonly name: string;
  readonly digest: string;
  readonly source_type: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
}

interface ModelRow {
  readonly run: number;
  readonly role: string;
  readonly model_id: string;
  readonly step: number;
}

/** What `datasetsOf` these runs needs. */
export function askInputs(runs: readonly number[]): Ask<readonly InputRow[]> {
  return rowsOf<InputRow>(
    sql`SELECT i.run, i.id AS input, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
      FROM run_datasets i JOIN datasets d ON d.id = i.dataset WHERE ${among(raw('i.run'), runs)} ORDER BY i.id`,
  );
}

/** The datasets by run. */
export function* datasetsOf(rows: readonly InputRow[]): Work<Map<number, DatasetInput[]>> {
  if (rows.length === 0) return new Map();
  const inputs = rows.map((row) => row.input);
  const tags = new Map<number, Tag[]>();
  const tagRows = yield* all<{ input: number; key: string; value: string }>(
    sql`SELECT input, key, value FROM run_dataset_tags WHERE ${among(raw('input'), inputs)} ORDER BY key`,
  );
  for (const { input, key, value } of tagRows) tags.set(input, [...(tags.get(input) ?? []), { key, value }]);
  return group(rows, (row) => ({
    dataset: {
      name: row.name,
      digest: row.digest,
      sourceType: row.source_type,
      source: row.source,
      schema: row.schema ?? undefined,
      profile: row.profile ?? undefined,
    },
    tags: tags.get(row.input) ?? [],
  }));
}

/** What `modelsOf` these runs needs. */
export function askModels(runs: readonly number[]): Ask<readonly ModelRow[]> {
  return rowsOf<ModelRow>(
    sql`SELECT run, role, model_id, step FROM run_models WHERE ${among(raw('run'), runs)} ORDER BY run, role, model_id`,
  );
}

/** The models by run. */
export function modelsOf(rows: readonly ModelRow[]): {
  readonly inputs: Map<number, string[]>;
  readonly outputs: Map<number, ModelOutput[]>;
} {
  return {
    inputs: group(
      rows.filter((row) => row.role === 'input'),
      (row) => row.model_id,
    ),
    outputs: group(
      rows.filter((row) => row.role === 'output'),
      (row) => ({ modelId: row.model_id, step: row.step }),
    ),
  };
}

/** Ties datasets to a run; the same dataset twice is one. */
export function* insertInputs(
  { n, experiment }: { readonly n: number; readonly experiment: number },
  inputs: readonly DatasetInput[],
  modelIds: readonly string[],
): Work<void> {
  for (const { dataset, tags } of inputs) {
    const { name, digest, sourceType, source, schema, profile } = dataset;
    yield* run(
      sql`INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile)
        VALUES (${experiment}, ${name}, ${digest}, ${sourceType}, ${source}, ${schema}, ${profile})
        ON CONFLICT (experiment, name, digest) DO NOTHING`,
    );
    const { id } = yield* one<{ id: number }>(
      sql`SELECT id FROM datasets WHERE experiment = ${experiment} AND name = ${name} AND digest = ${digest}`,
    );
    yield* run(sql`INSERT INTO run_datasets (run, dataset) VALUES (${n}, ${id}) ON CONFLICT DO NOTHING`);
    const input = yield* one<{ id: number }>(sql`SELECT id FROM run_datasets WHERE run = ${n} AND dataset = ${id}`);
    for (const { key, value } of tags) {
      yield* run(
        sql`INSERT INTO run_dataset_tags (input, key, value) VALUES (${input.id}, ${key}, ${value}) ON CONFLICT DO NOTHING`,
      );
    }
  }
  for (const modelId of modelIds) yield* insertModel(n, 'input', modelId, 0);
}

export function* insertModel(n: number, role: 'input' | 'output', modelId: string, step: number): Work<void> {
  yield* run(
    sql`INSERT INTO run_models (run, role, model_id, step) VALUES (${n}, ${role}, ${modelId}, ${step})
      ON CONFLICT (run, role, model_id) DO UPDATE SET step = excluded.step`,
  );
}
