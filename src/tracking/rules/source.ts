import { withoutTrailing, type MlopsError } from '../../base/index.ts';
import { invalid } from '../../mlflow/index.ts';
import { climbs } from '../artifacts/location.ts';
import { proxyPath } from '../artifacts/roots.ts';
import type { NewModelVersion } from '../types.ts';

/** What a model version's source asks of the store before its files can be located. */
export type Source =
  /** A prompt: nothing may ever be read through it, whatever its source says. */
  | { readonly kind: 'prompt' }
  /** `models:/m-...`: the files of a logged model. */
  | { readonly kind: 'model'; readonly id: string }
  /** `models:/NAME/1` or `models:/NAME@alias`: the files of another version. */
  | { readonly kind: 'version'; readonly name: string; readonly version?: number; readonly alias?: string }
  /** `runs:/ID/PATH`: below the artifacts of a run. */
  | { readonly kind: 'run'; readonly id: string; readonly path: string }
  /** A path in the proxied or local artifact root: `insideOf` says whether it lies in one of the given roots. */
  | { readonly kind: 'path' }
  /** An object store, taken as it is. */
  | { readonly kind: 'store' };

/**
 * Reads the source of a version and refuses what could point elsewhere: `..` however it is encoded, fragments,
 * foreign hosts, runs and models that are not those that the request names.
 *
 * @throws MlopsError `invalid_value`.
 */
export function readSource(wanted: NewModelVersion): Source {
  const { source, runId = '', modelId } = wanted;
  if (wanted.tags?.some((tag) => tag.key === 'mlflow.prompt.is_prompt' && tag.value.toLowerCase() === 'true')) {
    if (promptSources.has(source)) return { kind: 'prompt' };
    throw invalid(`Invalid prompt source: '${source.slice(0, 200)}'. Prompt sources must use an MLflow placeholder.`);
  }
  if (/[#\\\0]/.test(source) || climbs(source)) throw badSource(source, sentences.relative);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase() ?? '';
  if (scheme === 'models') return readModels(wanted);
  if (scheme === 'runs') {
    const [, id = '', path = ''] = /^runs:\/{1,3}([^/\s]+)(?:\/(.*))?$/.exec(source) ?? [];
    if (runId !== id) throw badSource(source, sentences.run);
    return { kind: 'run', id, path };
  }
  const proxied = /^https?$/.test(scheme) && source.includes(proxyPath);
  if (scheme === 'mlflow-artifacts' || scheme === '' || scheme === 'file' || proxied) {
    const plain = proxied ? '/' : source.replace(/^file:\/\/(?=\/)/, 'file:');
    if (/[?;]/.test(source) || /^[^:]*:?\/\//.test(plain)) throw badSource(source, 'it must be a plain path');
    if (runId === '' && (modelId ?? '') === '') throw outside(source);
    return { kind: 'path' };
  }
  if (/^(?:https?|ftp|sftp|hdfs|viewfs)$/.test(scheme))
    throw badSource(source, `the '${scheme}' scheme names a foreign host`);
  if (/[?;]/.test(source)) throw badSource(source, 'it must be a plain path of an object store');
  return { kind: 'store' };
}

function readModels({ source, modelId }: NewModelVersion): Source {
  const id = /^models:\/{1,3}(m-[\w-]+)\/?$/.exec(source)?.[1];
  if (id !== undefined) {
    if (modelId !== id) throw badSource(source, sentences.model);
    return { kind: 'model', id };
  }
  const [, name = '', number, alias] = /^models:\/{1,3}([^/@]+)(?:\/(\d+)|@([^/@]+))\/?$/.exec(source) ?? [];
  if (name === '') throw badSource(source, 'use models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID');
  return alias === undefined ? { kind: 'version', name, version: Number(number) } : { kind: 'version', name, alias };
}

/** Refuses a path that lies in none of these artifact roots: those of the run and model that the request names. */
export function checkInside(source: string, roots: readonly string[]): void {
  const plain = (uri: string): string => withoutTrailing(uri.replace(/^file:\/*/, '/'), '/');
  const fits = roots.some((root) => root !== '' && `${plain(source)}/`.startsWith(`${plain(root)}/`));
  if (!fits) throw outside(source);
}

/** Refuses a run or model that is not that of the version which a source names. */
export function checkSameOrigin(
  { source, runId = '', modelId }: NewModelVersion,
  origin: { readonly runId: string; readonly modelId: string | undefined },
): void {
  const differs = (runId !== '' && runId !== origin.runId) || (modelId && origin.modelId && modelId !== origin.modelId);
  if (differs) throw badSource(source, 'the run or model given is not that of the version it names');
}

/** What MLflow's clients write where a prompt, which has no files, must name its source. */
const promptSources: ReadonlySet<string> = new Set(['dummy-source', 'prompt-template']);

/** Why a source is refused, in MLflow's words. */
const sentences = {
  relative:
    'If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path',
  run: 'The run_id request parameter must identify the resource that contains the source',
  model: 'The model_id request parameter must identify the resource that contains the source',
  local:
    'To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id',
} as const;

function outside(source: string): MlopsError {
  return badSource(source, source.startsWith('mlflow-artifacts:') ? sentences.run : sentences.local);
}

function badSource(source: string, why: string): MlopsError {
  return invalid(`Invalid model version source: '${source.slice(0, 200)}'. ${why}.`);
}
