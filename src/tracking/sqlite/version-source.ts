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
  if (/[#\\\0]/.test(source) || climbs(source)) throw badSource(source, sentences.relative);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase() ?? '';
  if (scheme === 'models') return fromModels(c, wanted);
  if (scheme === 'runs') return fromRun(c, wanted);
  if (scheme === 'mlflow-artifacts' || scheme === '' || scheme === 'file') return inside(c, wanted);
  if (/^(?:https?|ftp|sftp|hdfs|viewfs)$/.test(scheme))
    throw badSource(source, `the '${scheme}' scheme names a foreign host`);
  if (/[?;]/.test(source)) throw badSource(source, 'it must be a plain path of an object store');
  return { location: source, runId, modelId };
}

function fromModels(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  const id = /^models:\/{1,3}(m-[\w-]+)\/?$/.exec(source)?.[1];
  if (id !== undefined) {
    if (modelId !== id) throw badSource(source, sentences.model);
    const model = needLoggedModel(c, id);
    return { location: model.artifact_uri, runId: runId || model.source_run_id, modelId: id };
  }
  const row = namedVersion(c, source);
  const differs = (runId !== '' && runId !== row.run_id) || (modelId && row.model_id && modelId !== row.model_id);
  if (differs) throw badSource(source, 'the run or model given is not that of the version it names');
  return { location: row.location, runId: row.run_id, modelId: row.model_id ?? undefined };
}

interface NamedVersion {
  readonly location: string;
  readonly run_id: string;
  readonly model_id: string | null;
}

/** The version of `models:/NAME/1` or `models:/NAME@alias`. */
function namedVersion(c: Connection, source: string): NamedVersion {
  const [, name = '', number, alias] = /^models:\/{1,3}([^/@]+)(?:\/(\d+)|@([^/@]+))\/?$/.exec(source) ?? [];
  if (name === '') throw badSource(source, 'use models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID');
  const columns = 'SELECT v.location, v.run_id, v.model_id FROM model_versions v';
  if (alias !== undefined) {
    const aliased = c
      .sql<NamedVersion>(`${columns} JOIN model_aliases a ON a.name = v.name AND a.version = v.version
        WHERE v.name = ? AND a.alias = ?`)
      .get(name, alias);
    if (aliased === undefined) throw invalid(`Registered model alias ${alias} not found.`);
    return aliased;
  }
  const row = c.sql<NamedVersion>(`${columns} WHERE v.name = ? AND v.version = ?`).get(name, Number(number));
  if (row === undefined) {
    throw new MlopsError('resource_missing', `Model Version (name=${name}, version=${number}) not found`);
  }
  return row;
}

function fromRun(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  const [, id = '', path = ''] = /^runs:\/{1,3}([^/]+)\/?(.*)$/.exec(source) ?? [];
  if (runId !== id) throw badSource(source, sentences.run);
  const location = findRoot(c, id);
  // A run of another server: the version is kept, and has no files here.
  if (location === undefined) return { location: source, runId: id, modelId };
  return { location: path === '' ? location : joinUri(location, path), runId: id, modelId };
}

/** A path in the proxied or local artifact root: only inside that of the given run or model. */
function inside(c: Connection, { source, runId = '', modelId }: NewModelVersion): Origin {
  if (/[?;]/.test(source) || /^[^:]*:?\/\//.test(source.replace(/^file:\/\/(?=\/)/, 'file:/'))) {
    throw badSource(source, 'it must be a plain path');
  }
  const roots: string[] = [];
  const model = modelId === undefined || modelId === '' ? undefined : findLoggedModel(c, modelId);
  if (model !== undefined) roots.push(model.artifact_uri);
  if (runId !== '') roots.push(rootOfRun(c, runId));
  const plain = (uri: string): string => uri.replace(/^file:\/*/, '/').replace(/\/+$/, '');
  const fits = roots.some((root) => root !== '' && `${plain(source)}/`.startsWith(`${plain(root)}/`));
  if (!fits) throw badSource(source, source.startsWith('mlflow-artifacts:') ? sentences.run : sentences.local);
  return { location: source, runId: runId || (model?.source_run_id ?? ''), modelId };
}

function rootOfRun(c: Connection, id: string): string {
  const root = findRoot(c, id);
  if (root === undefined) throw new MlopsError('resource_missing', `Run with id=${id} not found`);
  return root;
}

function findRoot(c: Connection, id: string): string | undefined {
  return c.sql<{ artifact_uri: string }>('SELECT artifact_uri FROM runs WHERE id = ?').get(id)?.artifact_uri;
}

/** Why a source is refused, in MLflow's words. */
const sentences = {
  relative:
    'If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path',
  run: 'The run_id request parameter must identify the resource that contains the source',
  model: 'The model_id request parameter must identify the resource that contains the source',
  local:
    'To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id',
} as const;

function badSource(source: string, why: string): MlopsError {
  return invalid(`Invalid model version source: '${source.slice(0, 200)}'. ${why}.`);
}
