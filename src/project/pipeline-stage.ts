import * as path from 'node:path';

import { MlopsError, type PyMap, type PyValue } from '../base/index.ts';
import type { TreePath } from '../git/index.ts';
import type { ContentInfo, Dep, LockedStage, Out, ParamsDep, Stage } from './stage.ts';
import { pythonStr } from './template-interpolate.ts';
import type { ResolvedDefinition } from './template-resolver.ts';
import { defaultParamsFile } from './template-vars.ts';

export interface StagePlace {
  readonly name: string;
  readonly file: TreePath;
  readonly address: string;
  /** Absolute path of the project for absolute paths in stages; undefined for trees that are not on disk. */
  readonly root: string | undefined;
}

/** Makes a stage of its resolved definition, joined with its entry in dvc.lock. */
export function stageOf(place: StagePlace, resolved: ResolvedDefinition, locked: LockedStage | undefined): Stage {
  const { definition, wdir } = resolved;
  const locate = (defPath: string): TreePath | undefined => treePath(defPath, wdir, place.root);
  const depInfo = infoByPath(locked?.deps);
  const outInfo = infoByPath(locked?.outs);
  const desc = definition.get('desc');
  return {
    address: place.address,
    kind: 'pipeline',
    name: place.name,
    file: place.file,
    wdir,
    cmd: commandOf(definition.get('cmd') ?? null, place.address),
    deps: texts(definition.get('deps')).map((defPath): Dep => ({
      defPath,
      path: locate(defPath),
      info: depInfo.get(defPath),
    })),
    params: paramsOf(definition.get('params'), wdir, locked),
    outs: ['outs', 'metrics', 'plots'].flatMap((section) =>
      outEntries(definition.get(section)).map(([defPath, flags]) =>
        outOf(section, defPath, flags, locate(defPath), outInfo.get(defPath)),
      ),
    ),
    frozen: definition.get('frozen') === true,
    alwaysChanged: definition.get('always_changed') === true,
    desc: typeof desc === 'string' ? desc : undefined,
    meta: definition.get('meta'),
    md5: undefined,
    locked,
  };
}

/**
 * The path inside the project of a path as written; undefined for URLs and for what lies outside.
 */
export function treePath(defPath: string, wdir: TreePath, root: string | undefined): TreePath | undefined {
  if (/^[a-zA-Z][\w+.-]*:\/\//.test(defPath)) return undefined;
  let relative = defPath;
  if (path.posix.isAbsolute(defPath)) {
    if (root === undefined) return undefined;
    relative = path.posix.relative(root, defPath);
  } else {
    relative = path.posix.join(wdir, defPath);
  }
  const normal = path.posix.normalize(relative).replace(/\/+$/, '');
  if (normal === '..' || normal.startsWith('../')) return undefined;
  return normal === '.' ? '' : normal;
}

function commandOf(value: PyValue, address: string): string | readonly string[] {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(pythonStr);
  if (value === null || value instanceof Map) {
    throw new MlopsError('bad_project_file', `the command of stage '${address}' is neither a text nor a list`);
  }
  return pythonStr(value);
}

function texts(value: PyValue | undefined): string[] {
  return Array.isArray(value) ? value.map(pythonStr) : [];
}

/** Entries of a section in order; what is said twice about a path is merged. */
function outEntries(section: PyValue | undefined): [string, PyMap | readonly PyMap[]][] {
  const entries = new Map<string, PyMap | readonly PyMap[]>();
  for (const item of Array.isArray(section) ? section : []) {
    const written: Iterable<[PyValue, PyValue]> = item instanceof Map ? item : [[item, new Map()]];
    for (const [key, flags] of written) {
      const name = pythonStr(key);
      const before = entries.get(name);
      if (Array.isArray(flags))
        entries.set(
          name,
          flags.filter((entry) => entry instanceof Map),
        );
      else if (flags instanceof Map) entries.set(name, new Map([...(before instanceof Map ? before : []), ...flags]));
    }
  }
  return [...entries];
}

const plotKeys = new Set<PyValue>(['template', 'x', 'y', 'x_label', 'y_label', 'title', 'header']);

function outOf(
  section: string,
  defPath: string,
  written: PyMap | readonly PyMap[],
  at: TreePath | undefined,
  info: ContentInfo | undefined,
): Out {
  const flags: PyMap = written instanceof Map ? written : new Map(written.flatMap((entry) => [...entry]));
  const plotProperties = (map: PyMap): PyMap => new Map([...map].filter(([key]) => plotKeys.has(key)));
  const desc = flags.get('desc');
  const type = flags.get('type');
  const labels = flags.get('labels');
  const meta = flags.get('meta');
  const remote = flags.get('remote');
  return {
    defPath,
    path: at,
    cache: flags.get('cache') !== false,
    persist: flags.get('persist') === true,
    push: flags.get('push') !== false,
    remote: typeof remote === 'string' ? remote : undefined,
    metric: section === 'metrics',
    plot:
      section !== 'plots' ? undefined : written instanceof Map ? plotProperties(written) : written.map(plotProperties),
    ...(typeof desc === 'string' ? { desc } : {}),
    ...(typeof type === 'string' ? { type } : {}),
    ...(Array.isArray(labels) ? { labels: labels.map(pythonStr) } : {}),
    ...(meta === undefined ? {} : { meta }),
    info,
  };
}

/** Files in order of mention; a file that is named without keys once is tracked as a whole. */
function paramsOf(section: PyValue | undefined, wdir: TreePath, locked: LockedStage | undefined): ParamsDep[] {
  const items = Array.isArray(section) ? section : [];
  const keys = new Map<string, string[] | undefined>();
  const whole = new Set<string>();
  for (const item of items) {
    if (!(item instanceof Map)) continue;
    for (const [file, chosen] of item) if (!Array.isArray(chosen) || chosen.length === 0) whole.add(pythonStr(file));
  }
  const add = (file: string, chosen: readonly string[]): void => {
    if (whole.has(file)) keys.set(file, undefined);
    else keys.set(file, [...(keys.get(file) ?? []), ...chosen]);
  };
  for (const item of items) {
    if (item instanceof Map) for (const [file, chosen] of item) add(pythonStr(file), texts(chosen));
    else if (!whole.has(defaultParamsFile)) add(defaultParamsFile, [pythonStr(item)]);
  }
  return [...keys].map(([defPath, chosen]) => ({
    defPath,
    path: treePath(defPath, wdir, undefined) ?? defPath,
    keys: chosen,
    recorded: recordedParams(locked?.params.get(defPath), chosen),
  }));
}

function recordedParams(recorded: PyMap | undefined, keys: readonly string[] | undefined): PyMap | undefined {
  if (recorded === undefined || keys === undefined) return recorded;
  const wanted = new Set<PyValue>(keys);
  const present: PyMap = new Map();
  for (const key of wanted) {
    const value = recorded.get(key);
    if (value !== undefined) present.set(key, value);
  }
  return present;
}

function infoByPath(entries: LockedStage['deps'] | undefined): ReadonlyMap<string, ContentInfo> {
  return new Map((entries ?? []).map(({ path: name, info }) => [name, info]));
}
