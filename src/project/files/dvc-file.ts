import { createHash } from 'node:crypto';
import * as path from 'node:path';

import { MlopsError, pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import { contentInfoOf, putContentFacts } from './content-entry.ts';
import { dvcFileSchema } from './dvc-file-schema.ts';
import { decodeText } from '../params/read.ts';
import { treePath } from './pipeline-stage.ts';
import type { ContentInfo, Dep, Out, RepoSource, Stage } from './stage.ts';
import { updateYaml } from '../yaml/edit.ts';
import { shownPath, yamlSchemaError } from '../yaml/error.ts';
import { parseYaml, parseYamlWithPositions } from '../yaml/read.ts';
import { dumpYaml } from '../yaml/write.ts';

/**
 * The stage of a `.dvc` file.
 *
 * @param file tree path of the file; its paths are relative to that place (or to its `wdir`).
 * @param root absolute path of the project, to place absolute paths inside it.
 * @throws MlopsError `bad_yaml`, `bad_project_file` in DVC's layout.
 */
export function parseDvcFile(text: string, file: TreePath, root?: string, shown: string = file): Stage {
  const data = parseYaml(text, shown) ?? new Map();
  const errors = dvcFileSchema([], data);
  if (errors.length > 0 || !(data instanceof Map)) {
    throw yamlSchemaError(shown, text, errors, parseYamlWithPositions(text, shown).locate);
  }
  const wdir = treePath(textOf(data.get('wdir')) ?? '.', parentOf(file), root);
  if (wdir === undefined) {
    throw new MlopsError('bad_project_file', `the wdir of '${shownPath(shown)}' is outside of the project`);
  }
  const locate = (defPath: string): TreePath | undefined => treePath(defPath, wdir, root);
  return {
    address: shown,
    kind: 'data',
    name: undefined,
    file,
    wdir,
    cmd: undefined,
    deps: entries(data.get('deps')).map((entry) => depOf(entry, locate)),
    params: [],
    outs: entries(data.get('outs')).map((entry) => outOf(entry, locate)),
    frozen: data.get('frozen') === true || data.get('locked') === true,
    alwaysChanged: data.get('always_changed') === true,
    desc: textOf(data.get('desc')),
    meta: data.get('meta'),
    md5: textOf(data.get('md5')),
    locked: undefined,
  };
}

/** As `parseDvcFile`, read from a tree. Undefined when there is no such file. */
export function readDvcFile(tree: Tree, file: TreePath, shown: string = file): Stage | undefined {
  const bytes = tree.read(file);
  return bytes === undefined ? undefined : parseDvcFile(decodeText(bytes, shown), file, tree.root, shown);
}

/**
 * The text of a `.dvc` file for a stage, byte by byte as DVC writes it. With the text that is there now,
 * only what differs is changed: comments and the order of keys stay.
 */
export function formatDvcFile(stage: Stage, previous?: string): string {
  const state = stageMap(stage);
  if (previous === undefined || previous.trim() === '') return dumpYaml(state);
  return updateYaml(previous, stage.file, state);
}

/**
 * The checksum of an imported stage: md5 over its content in JSON, without what may change freely
 * (annotations, sizes, `frozen`). DVC reports `changed checksum` when it differs from the stored one.
 */
export function stageChecksum(stage: Stage): string {
  const state = stageMap(stage);
  for (const key of ['md5', 'meta', 'desc']) state.delete(key);
  return createHash('md5')
    .update(pythonJson(withoutKeys(state, freeKeys)))
    .digest('hex');
}

const freeKeys = new Set<PyValue>('desc type labels meta locked frozen metric persist isexec size nfiles'.split(' '));

function withoutKeys(value: PyValue, keys: ReadonlySet<PyValue>): PyValue {
  if (Array.isArray(value)) return value.map((item) => withoutKeys(item, keys));
  if (!(value instanceof Map)) return value;
  return new Map([...value].filter(([key]) => !keys.has(key)).map(([key, item]) => [key, withoutKeys(item, keys)]));
}

/** Keys of an output that say nothing about content. */
const outKeys = new Set<PyValue>(['cache', 'persist', 'remote', 'push', 'desc', 'type', 'labels', 'meta']);
const depKeys = new Set<PyValue>(['repo', 'persist']);

function depOf(entry: PyMap, locate: (defPath: string) => TreePath | undefined): Dep {
  const defPath = textOf(entry.get('path')) ?? '';
  const repo = entry.get('repo');
  const info = infoOf(entry, depKeys);
  if (repo instanceof Map) return { defPath, path: undefined, repo: repoOf(repo), info };
  return { defPath, path: locate(defPath), info };
}

function repoOf(repo: PyMap): RepoSource {
  const rev = textOf(repo.get('rev'));
  const revLock = textOf(repo.get('rev_lock'));
  const extra: PyMap = new Map([...repo].filter(([key]) => key !== 'url' && key !== 'rev' && key !== 'rev_lock'));
  return {
    url: textOf(repo.get('url')) ?? '',
    ...(rev === undefined ? {} : { rev }),
    ...(revLock === undefined ? {} : { revLock }),
    ...(extra.size === 0 ? {} : { extra }),
  };
}

function outOf(entry: PyMap, locate: (defPath: string) => TreePath | undefined): Out {
  const defPath = textOf(entry.get('path')) ?? '';
  const labels = entry.get('labels');
  const meta = entry.get('meta');
  const desc = textOf(entry.get('desc'));
  const type = textOf(entry.get('type'));
  return {
    defPath,
    path: locate(defPath),
    cache: entry.get('cache') !== false,
    persist: entry.get('persist') === true,
    push: entry.get('push') !== false,
    remote: textOf(entry.get('remote')),
    metric: false,
    plot: undefined,
    ...(desc === undefined ? {} : { desc }),
    ...(type === undefined ? {} : { type }),
    ...(Array.isArray(labels) ? { labels: labels.map(String) } : {}),
    ...(meta === undefined ? {} : { meta }),
    info: infoOf(entry, outKeys),
  };
}

/** As in dvc.lock; an entry without content keeps what else it says (`fs_config`). */
function infoOf(entry: PyMap, skip: ReadonlySet<PyValue>): ContentInfo | undefined {
  const digits = entry.get('md5');
  const fixed =
    typeof digits === 'number' || typeof digits === 'bigint' ? new Map(entry).set('md5', String(digits)) : entry;
  const info = contentInfoOf(fixed, skip);
  if (info !== undefined) return info;
  const extra: PyMap = new Map([...entry].filter(([key]) => !skip.has(key) && key !== 'path' && key !== 'hash'));
  return extra.size === 0 ? undefined : { hashName: entry.has('hash') ? 'md5' : 'md5-dos2unix', extra };
}

/** The content of a `.dvc` file as a mapping in DVC's order, empty parts left out. */
function stageMap(stage: Stage): PyMap {
  const map: PyMap = new Map();
  const wdir = path.posix.relative(parentOf(stage.file), stage.wdir);
  if (stage.desc !== undefined && stage.desc !== '') map.set('desc', stage.desc);
  if (stage.md5 !== undefined) map.set('md5', stage.md5);
  if (wdir !== '') map.set('wdir', wdir);
  if (stage.frozen) map.set('frozen', true);
  if (stage.deps.length > 0) map.set('deps', stage.deps.map(depMap));
  if (stage.outs.length > 0) map.set('outs', stage.outs.map(outMap));
  if (stage.alwaysChanged) map.set('always_changed', true);
  if (stage.meta !== undefined && !isEmpty(stage.meta)) map.set('meta', stage.meta);
  return map;
}

function depMap(dep: Dep): PyMap {
  if (dep.repo === undefined) return contentMap(dep.defPath, dep.info, dep.defPath === '');
  const { url, rev, revLock, extra } = dep.repo;
  const repo: PyMap = new Map([['url', url]]);
  if (rev !== undefined) repo.set('rev', rev);
  if (revLock !== undefined) repo.set('rev_lock', revLock);
  for (const [key, value] of extra ?? []) repo.set(key, value);
  return new Map<PyValue, PyValue>([
    ['path', dep.defPath],
    ['repo', repo],
  ]);
}

function outMap(out: Out): PyMap {
  const map = contentMap(out.defPath, out.info, false);
  const files = map.get('files');
  map.delete('files');
  if (out.desc !== undefined && out.desc !== '') map.set('desc', out.desc);
  if (out.type !== undefined && out.type !== '') map.set('type', out.type);
  if (out.labels !== undefined && out.labels.length > 0) map.set('labels', [...out.labels]);
  if (out.meta !== undefined && !isEmpty(out.meta)) map.set('meta', out.meta);
  if (!out.cache) map.set('cache', false);
  if (out.persist) map.set('persist', true);
  if (out.remote !== undefined) map.set('remote', out.remote);
  if (!out.push) map.set('push', false);
  if (files !== undefined) map.set('files', files);
  return map;
}

/** Digest, sizes, `hash`, `path`, then what else there is; the listing of a versioned folder comes last. */
function contentMap(defPath: string, info: ContentInfo | undefined, pathless: boolean): PyMap {
  const map: PyMap = new Map();
  if (info !== undefined) putContentFacts(map, info);
  const files = info?.extra?.get('files');
  const cloud = info?.extra?.get('cloud');
  if (cloud !== undefined && files === undefined) map.set('cloud', cloud);
  if (info?.hashName !== 'md5-dos2unix') map.set('hash', 'md5');
  if (!pathless) map.set('path', defPath);
  for (const [key, value] of info?.extra ?? []) if (key !== 'cloud' && key !== 'files') map.set(key, value);
  if (files !== undefined) map.set('files', files);
  return map;
}

function entries(section: PyValue | undefined): PyMap[] {
  return Array.isArray(section) ? section.filter((entry) => entry instanceof Map) : [];
}

function textOf(value: PyValue | undefined): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isEmpty(value: PyValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value instanceof Map ? value.size === 0 : value === null || value === '' || value === false || value === 0;
}

function parentOf(file: TreePath): TreePath {
  const parent = path.posix.dirname(file);
  return parent === '.' ? '' : parent;
}
