import type { DatasetInput, ModelOutput, Tag } from '../../mlflow/index.ts';
import type { Connection } from './connection.ts';
import { group } from './group.ts';

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

/** The datasets of the runs whose numbers are in a JSON array. */
export function datasetsOf(c: Connection, runs: string): Map<number, DatasetInput[]> {
  const rows = c
    .sql<InputRow>(
      `SELECT i.run, i.id AS input, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
       FROM run_datasets i JOIN datasets d ON d.id = i.dataset
       WHERE i.run IN (SELECT value FROM json_each(?)) ORDER BY i.id`,
    )
    .all(runs);
  if (rows.length === 0) return new Map();
  const tags = c
    .sql<{ input: number; key: string; value: string }>(
      'SELECT input, key, value FROM run_dataset_tags WHERE input IN (SELECT value FROM json_each(?)) ORDER BY key',
    )
    .all(JSON.stringify(rows.map((row) => row.input)));
  return group(rows, (row) => ({
    dataset: {
      name: row.name,
      digest: row.digest,
      sourceType: row.source_type,
      source: row.source,
      schema: row.schema ?? undefined,
      profile: row.profile ?? undefined,
    },
    tags: tags.filter((tag) => tag.input === row.input).map(({ key, value }): Tag => ({ key, value })),
  }));
}

export function modelsOf(
  c: Connection,
  runs: string,
): { inputs: Map<number, string[]>; outputs: Map<number, ModelOutput[]> } {
  const rows = c
    .sql<{ run: number; role: string; model_id: string; step: number }>(
      'SELECT run, role, model_id, step FROM run_models WHERE run IN (SELECT value FROM json_each(?))',
    )
    .all(runs);
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
export function insertInputs(
  c: Connection,
  run: { readonly n: number; readonly experiment: number },
  inputs: readonly DatasetInput[],
  modelIds: readonly string[],
): void {
  for (const { dataset, tags } of inputs) {
    c.sql(
      `INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (experiment, name, digest) DO NOTHING`,
    ).run(
      run.experiment,
      dataset.name,
      dataset.digest,
      dataset.sourceType,
      dataset.source,
      dataset.schema ?? null,
      dataset.profile ?? null,
    );
    const found = c
      .sql<{ id: number }>('SELECT id FROM datasets WHERE experiment = ? AND name = ? AND digest = ?')
      .get(run.experiment, dataset.name, dataset.digest);
    c.sql('INSERT INTO run_datasets (run, dataset) VALUES (?, ?) ON CONFLICT DO NOTHING').run(run.n, found?.id);
    const input = c
      .sql<{ id: number }>('SELECT id FROM run_datasets WHERE run = ? AND dataset = ?')
      .get(run.n, found?.id);
    for (const { key, value } of tags) {
      c.sql('INSERT INTO run_dataset_tags (input, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
        input?.id,
        key,
        value,
      );
    }
  }
  for (const modelId of modelIds) insertModel(c, run.n, 'input', modelId, 0);
}

export function insertModel(c: Connection, run: number, role: 'input' | 'output', modelId: string, step: number): void {
  c.sql(
    'INSERT INTO run_models (run, role, model_id, step) VALUES (?, ?, ?, ?) ON CONFLICT (run, role, model_id) DO UPDATE SET step = excluded.step',
  ).run(run, role, modelId, step);
}
