import { joinUri } from '../artifacts/location.ts';
import { checkInside, checkSameOrigin, noAlias, noRun, noVersion, readSource, type Source } from '../rules/index.ts';
import type { NewModelVersion } from '../types.ts';
import { findLoggedModel, needLoggedModel } from './logged-model-rows.ts';
import { sql } from './sql.ts';
import { get, type Work } from './work.ts';

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
export function* originOf(wanted: NewModelVersion): Work<Origin> {
  const { source, runId = '', modelId } = wanted;
  const read = readSource(wanted);
  switch (read.kind) {
    case 'prompt':
      return { location: '', runId, modelId };
    case 'model': {
      const model = yield* needLoggedModel(read.id);
      return { location: model.artifact_uri, runId: runId || model.source_run_id, modelId: read.id };
    }
    case 'version': {
      const origin = yield* namedVersion(read);
      checkSameOrigin(wanted, origin);
      return origin;
    }
    case 'run': {
      const location = yield* findRoot(read.id);
      // A run of another server: the version is kept, and has no files here.
      if (location === undefined) return { location: source, runId, modelId };
      return { location: read.path === '' ? location : joinUri(location, read.path), runId, modelId };
    }
    case 'path':
      return yield* inside(wanted);
    case 'store':
      return { location: source, runId, modelId };
  }
}

interface VersionOrigin {
  readonly location: string;
  readonly run_id: string;
  readonly model_id: string | null;
}

function* namedVersion({ name, version, alias }: Extract<Source, { kind: 'version' }>): Work<Origin> {
  const row = yield* get<VersionOrigin>(
    alias === undefined
      ? sql`SELECT location, run_id, model_id FROM model_versions WHERE name = ${name} AND version = ${version}`
      : sql`SELECT v.location, v.run_id, v.model_id FROM model_versions v
          JOIN model_aliases a ON a.name = v.name AND a.version = v.version WHERE v.name = ${name} AND a.alias = ${alias}`,
  );
  if (row === undefined) throw alias === undefined ? noVersion(name, String(version)) : noAlias(alias);
  return { location: row.location, runId: row.run_id, modelId: row.model_id ?? undefined };
}

/** A path in the proxied or local artifact root: only inside that of the given run or model. */
function* inside({ source, runId = '', modelId }: NewModelVersion): Work<Origin> {
  const roots: string[] = [];
  const model = modelId === undefined || modelId === '' ? undefined : yield* findLoggedModel(modelId);
  if (model !== undefined) roots.push(model.artifact_uri);
  if (runId !== '') {
    const root = yield* findRoot(runId);
    if (root === undefined) throw noRun(runId);
    roots.push(root);
  }
  checkInside(source, roots);
  return { location: source, runId: runId || (model?.source_run_id ?? ''), modelId };
}

function* findRoot(id: string): Work<string | undefined> {
  return (yield* get<{ artifact_uri: string }>(sql`SELECT artifact_uri FROM runs WHERE id = ${id}`))?.artifact_uri;
}
