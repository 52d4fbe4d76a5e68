import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import { findObject } from '../../data/index.ts';
import type { LineageGraph, LineageNode } from '../../lineage/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { lineageOf } from '../../repo/pipeline/lineage.ts';
import { openTable } from '../../tables/index.ts';
import type { Places } from './name-thing.ts';
import { fileOf } from './things.ts';

/**
 * Says of the tables of a graph which of some rows they hold, by the column that the stages which read or make them name
 * (`meta: {row_id: COLUMN}` in `dvc.yaml`).
 *
 * @throws MlopsError `usage` where no stage names a column.
 */
export async function withRows(graph: LineageGraph, ids: readonly string[], { repo }: Places): Promise<LineageGraph> {
  const columns = repo === undefined ? new Map<string, string>() : columnsOf(repo);
  if (repo === undefined || columns.size === 0) throw noColumn();
  const wanted = new Set(ids.map((id) => id.trim()));
  const nodes: LineageNode[] = [];
  for (const node of graph.nodes) {
    const column = columns.get(fileOf(node)?.path ?? '');
    const file = column === undefined ? undefined : contentFile(repo, node);
    const found = column === undefined || file === undefined ? undefined : await idsIn(file, node.name, column, wanted);
    nodes.push(found === undefined ? node : { ...node, facts: { ...node.facts, rows: { column, found } } });
  }
  return { ...graph, nodes };
}

function noColumn(): MlopsError {
  return new MlopsError('usage', 'no stage says which column names its rows', {
    hint: 'add `meta: {row_id: COLUMN}` to the stage in dvc.yaml',
  });
}

/** The column that tells the rows of a file apart. @throws MlopsError `usage` where no stage around it names one. */
export function rowColumn(repo: DataRepo, file: string): string {
  const column = columnsOf(repo).get(file);
  if (column === undefined) throw noColumn();
  return column;
}

/** By path: the column that a stage around it names. */
function columnsOf(repo: DataRepo): Map<string, string> {
  const found = new Map<string, string>();
  for (const stage of repo.stages()) {
    const column = stage.meta instanceof Map ? stage.meta.get('row_id') : undefined;
    if (typeof column !== 'string') continue;
    for (const { path: file } of lineageOf(repo, stage)) found.set(file, column);
  }
  return found;
}

/** A file with the very content: in the cache, or in the work tree where nothing else says what it was. */
function contentFile(repo: DataRepo, node: LineageNode): string | undefined {
  const { path: name = '', md5 = '' } = fileOf(node) ?? {};
  const cached = findObject(repo.data.cacheDir, md5);
  if (cached !== undefined) return cached;
  const file = path.join(repo.root, name);
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : undefined;
}

/** Which of some rows a table has; undefined where it has no such column, or is no table. */
export async function idsIn(
  file: string,
  name: string,
  column: string,
  wanted: ReadonlySet<string>,
): Promise<string[] | undefined> {
  const found = new Set<string>();
  try {
    for await (const batch of openTable(file, { name, path: file }).batches()) {
      const index = batch.columns.indexOf(column);
      if (index === -1) return undefined;
      for (let row = 0; row < batch.rows; row++) {
        const cell = batch.cell(row, index);
        const text = cell === null ? '' : String(cell);
        if (wanted.has(text)) found.add(text);
      }
    }
  } catch (error) {
    // What is no table has no rows.
    if (isMlopsError(error)) return undefined;
    throw error;
  }
  return [...found];
}
