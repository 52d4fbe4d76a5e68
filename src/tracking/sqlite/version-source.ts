import { MlopsError } from '../../base/index.ts';
import { invalid } from '../../mlflow/index.ts';
import { climbs, joinUri } from '../artifacts/location.ts';
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
 * Resolves and checks the source of a version: it may only point to the files of the run or model that the
 * request names, to another version, or to an object store.
 *
 * @throws MlopsError `invalid_value` for anything else, `resource_missing` for absent runs and models.
 */
export function originOf(c: Connection, wanted: NewModelVersion): Origin {
  const { source, runId = '', modelId } = wanted;
  if (wanted.tags?.some((tag) => tag.key === 'mlflow.prompt.is_prompt' && tag.value.toLowerCase() === 'true')) {
    // A prompt has no files, so nothing may ever be read through it, whatever its source says.
    return { location: '', runId, modelId };
  }
  if (/[#\\\0]/.test(source) || climbs(source)) throw badSource(source, 'it must not leave its folder');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase() ?? '';
  if (scheme === 'models') return fromModels(c, wanted);
  if (scheme === 'runs') return fromRun(c, wanted);
  if (scheme === 'mlflow-artifacts' || scheme === '' || scheme === 'file') return inside(c, wanted);
  if (/^(?:https?|ftp|sftp|hdfs|viewfs)$/.test(scheme)) throw badSource(source, 'it names a foreign host');
  if (/[?;]/.test(source)) throw badSource(source, 'it must be a plain path of an object store');
  return { location: source, runId, modelId };
}

function fromModels(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  const id = /^models:\/{1,3}(m-[\w-]+)\/?$/.exec(source)?.[1];
  if (id !== undefined) {
    if (modelId !== undefined && modelId !== '' && modelId !== id)
      throw badSource(source, `it is not model ${modelId}`);
    const model = needLoggedModel(c, id);
    return { location: model.artifact_uri, runId: runId || model.source_run_id, modelId: id };
  }
  const [, name, version] = /^models:\/{1,3}([^/@]+)\/(\d+)\/?$/.exec(source) ?? [];
  const row = c
    .sql<{ location: string; run_id: string; model_id: string | null }>(
      'SELECT location, run_id, model_id FROM model_versions WHERE name = ? AND version = ?',
    )
    .get(name ?? '', Number(version ?? 0));
  if (row === undefined) {
    throw new MlopsError('resource_missing', `Model Version (name=${name}, version=${version}) not found`);
  }
  const differs = (runId !== '' && runId !== row.run_id) || (modelId && row.model_id && modelId !== row.model_id);
  if (differs) throw badSource(source, 'the run or model given is not that of the version it names');
  return { location: row.location, runId: row.run_id, modelId: row.model_id ?? undefined };
}

function fromRun(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  const [, id = '', path = ''] = /^runs:\/{1,3}([^/]+)\/?(.*)$/.exec(source) ?? [];
  if (runId !== '' && runId !== id) throw badSource(source, `it is not of the run ${runId}`);
  const location = rootOfRun(c, id);
  return { location: path === '' ? location : joinUri(location, path), runId: id, modelId };
}

/** A path in the proxied or local artifact root: only inside that of the given run or model. */
function inside(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  if (/[?;]/.test(source) || /^[^:]*:?\/\//.test(source.replace(/^file:\/\/(?=\/)/, 'file:/'))) {
    throw badSource(source, 'it must be a plain path');
  }
  const roots: string[] = [];
  if (modelId !== undefined && modelId !== '') roots.push(findLoggedModel(c, modelId)?.artifact_uri ?? '');
  if (runId !== '') roots.push(rootOfRun(c, runId));
  const plain = (uri: string): string => uri.replace(/^file:\/*/, '/').replace(/\/+$/, '');
  const fits = roots.some((root) => root !== '' && `${plain(source)}/`.startsWith(`${plain(root)}/`));
  if (!fits) {
    throw badSource(
      source,
      'it has to be contained within the artifact directory of the run_id or model_id of the request',
    );
  }
  return { location: source, runId, modelId };
}

function rootOfRun(c: Connection, id: string): string {
  const row = c.sql<{ artifact_uri: string }>('SELECT artifact_uri FROM runs WHERE id = ?').get(id);
  if (row === undefined) throw new MlopsError('resource_missing', `Run with id=${id} not found`);
  return row.artifact_uri;
}

function badSource(source: string, why: string): MlopsError {
  return invalid(`Invalid model version source: '${source.slice(0, 200)}': ${why}.`);
}
