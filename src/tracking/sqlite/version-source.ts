import { joinUri } from '../artifacts/location.ts';
import { checkInside, checkSameOrigin, noAlias, noRun, noVersion, readSource, type Source } from '../rules/index.ts';
import type { NewModelVersion } from '../types.ts';
import type { Connection } from './connection.ts';
import { findLoggedModel, needLoggedModel } from './logged-model-rows.ts';

/** Where the files of a new version are, and what it comes from. */
export interface Origin {
  readonly location: string;
  readonly runId: string;
  readonly modelId: string | undefined;
}

/**
 * Locates the files of a version by its source, which the rules have read and found harmless.
 *
 * @throws MlopsError `invalid_value` for paths outside of the given run and model, `resource_missing` for absent ones.
 */
export function originOf(c: Connection, wanted: NewModelVersion): Origin {
  const { source, runId = '', modelId } = wanted;
  const read = readSource(wanted);
  switch (read.kind) {
    case 'prompt':
      return { location: '', runId, modelId };
    case 'model': {
      const model = needLoggedModel(c, read.id);
      return { location: model.artifact_uri, runId: runId || model.source_run_id, modelId: read.id };
    }
    case 'version': {
      const origin = namedVersion(c, read);
      checkSameOrigin(wanted, origin);
      return origin;
    }
    case 'run': {
      const location = findRoot(c, read.id);
      // A run of another server: the version is kept, and has no files here.
      if (location === undefined) return { location: source, runId, modelId };
      return { location: read.path === '' ? location : joinUri(location, read.path), runId, modelId };
    }
    case 'path':
      return inside(c, wanted);
    case 'store':
      return { location: source, runId, modelId };
  }
}

function namedVersion(c: Connection, { name, version, alias }: Extract<Source, { kind: 'version' }>): Origin {
  const columns = 'SELECT v.location, v.run_id, v.model_id FROM model_versions v';
  interface Row {
    readonly location: string;
    readonly run_id: string;
    readonly model_id: string | null;
  }
  const row =
    alias === undefined
      ? c.sql<Row>(`${columns} WHERE v.name = ? AND v.version = ?`).get(name, version)
      : c
          .sql<Row>(`${columns} JOIN model_aliases a ON a.name = v.name AND a.version = v.version
            WHERE v.name = ? AND a.alias = ?`)
          .get(name, alias);
  if (row === undefined) throw alias === undefined ? noVersion(name, String(version)) : noAlias(alias);
  return { location: row.location, runId: row.run_id, modelId: row.model_id ?? undefined };
}

/** A path in the proxied or local artifact root: only inside that of the given run or model. */
function inside(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  const roots: string[] = [];
  const model = modelId === undefined || modelId === '' ? undefined : findLoggedModel(c, modelId);
  if (model !== undefined) roots.push(model.artifact_uri);
  if (runId !== '') {
    const root = findRoot(c, runId);
    if (root === undefined) throw noRun(runId);
    roots.push(root);
  }
  checkInside(source, roots);
  return { location: source, runId: runId || (model?.source_run_id ?? ''), modelId };
}

function findRoot(c: Connection, id: string): string | undefined {
  return c.sql<{ artifact_uri: string }>('SELECT artifact_uri FROM runs WHERE id = ?').get(id)?.artifact_uri;
}
