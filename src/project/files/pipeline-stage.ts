import * as path from 'node:path';

import { MlopsError, withoutTrailing, type PyMap, type PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import type { ContentInfo, Dep, LockedStage, Out, ParamsDep, Stage } from './stage.ts';
import { isFalsy, pythonRepr, pythonStr, typeName } from '../template/interpolate.ts';
import type { ResolvedDefinition } from '../template/resolver.ts';
import { defaultParamsFile } from '../template/vars.ts';

export interface StagePlace {
  readonly name: string;
  readonly file: TreePath;
  readonly address: string;
  /** Absolute path of the project for absolute paths in stages; undefined for trees that are not on disk. */
  readonly root: string | undefined;
  /** The rule of `.dvcignore` that keeps DVC from seeing a path. */
  readonly ignoredBy?: ((at: TreePath) => string | undefined) | undefined;
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
    cmd: commandOf(definition.get('cmd') ?? null),
    deps: textsOf(place, 'deps', definition.get('deps')).map((defPath): Dep => ({
      defPath: notStageFile(defPath, 'a dependency'),
      path: locate(defPath),
      info: depInfo.get(defPath),
    })),
    params: paramsOf(place, definition.get('params'), wdir, locked),
    outs: ['outs', 'metrics', 'plots'].flatMap((section) =>
      outEntries(place, section, definition.get(section)).map(([defPath, flags]) =>
        outOf(section, defPath, flags, outPath(place, defPath, locate(defPath)), outInfo.get(defPath)),
      ),
    ),
    frozen: definition.get('frozen') === true,
    alwaysChanged: definition.get('always_changed') === true,
    desc: typeof desc === 'string' ? desc : undefined,
    meta: definition.get('meta'),
    md5: undefined,
    locked,
    ...faultsOf(definition),
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
  const normal = withoutTrailing(path.posix.normalize(relative), '/');
  if (normal === '..' || normal.startsWith('../')) return undefined;
  return normal === '.' ? '' : normal;
}

function notStageFile(defPath: string, as: string): string {
  if (!defPath.endsWith('.dvc') && path.posix.basename(defPath) !== 'dvc.yaml') return defPath;
  throw new MlopsError('bad_project_file', `DVC file '${defPath}' cannot be ${as}.`, {
    hint: 'name the data itself',
  });
}

function outPath(place: StagePlace, defPath: string, at: TreePath | undefined): TreePath | undefined {
  notStageFile(defPath, 'an output');
  const rule = at === undefined || at === '' ? undefined : place.ignoredBy?.(at);
  if (rule === undefined) return at;
  throw new MlopsError('bad_path', `Path '${path.join(place.root ?? '', at ?? '')}' is ignored by ${rule}`, {
    hint: 'an output has to be outside of what .dvcignore names',
  });
}

/** No command where the value is empty in Python's eyes, as DVC has it. */
function commandOf(value: PyValue): string | readonly string[] | undefined {
  if (isFalsy(value)) return undefined;
  return Array.isArray(value) ? value.map(pythonStr) : pythonStr(value);
}

/** Values that only show their wrong type where they are used: DVC lists and draws such stages. */
function faultsOf(definition: PyMap): Pick<Stage, 'faults'> {
  const faults = new Map<'cmd' | 'desc', string>();
  const cmd = definition.get('cmd') ?? null;
  if (!isFalsy(cmd) && typeof cmd !== 'string' && !Array.isArray(cmd)) {
    faults.set('cmd', `its command is not a text or a list of texts, but ${typeName(cmd)}: ${pythonRepr(cmd)}`);
  }
  const desc = definition.get('desc') ?? null;
  if (!isFalsy(desc) && typeof desc !== 'string') {
    faults.set('desc', `its desc is not a text, but ${typeName(desc)}: ${pythonRepr(desc)}`);
  }
  return faults.size === 0 ? {} : { faults };
}

function texts(value: PyValue | undefined): string[] {
  return Array.isArray(value) ? value.map(pythonStr) : [];
}

/** The texts of a section; what a template made of another type is refused. */
function textsOf(place: StagePlace, section: string, value: PyValue | undefined): string[] {
  return Array.isArray(value) ? value.map((item) => textOf(place, section, item)) : [];
}

function textOf(place: StagePlace, section: string, value: PyValue): string {
  if (typeof value === 'string') return value;
  throw new MlopsError(
    'bad_template',
    `failed to resolve 'stages.${place.name}.${section}' in '${shownFile(place)}': expected str, got ${typeName(value)}`,
    {
      hint: `\${...} gives ${pythonRepr(value)} there: put it inside a longer text, or make the value a text`,
      data: { fatal: true },
    },
  );
}

function notAList(place: StagePlace, file: string, value: PyValue): MlopsError {
  return new MlopsError(
    'bad_project_file',
    `Expected list of params for custom params file '${file}', got '${typeName(value)}'.`,
    { hint: `write \`${file}: [...]\` in the params of ${place.address}`, data: { fatal: true } },
  );
}

function shownFile(place: StagePlace): string {
  return place.address.endsWith(`:${place.name}`) ? place.address.slice(0, -place.name.length - 1) : 'dvc.yaml';
}

/** Entries of a section in order; what is said twice about a path is merged. */
function outEntries(place: StagePlace, section: string, items: PyValue | undefined): [string, PyMap][] {
  const entries = new Map<string, PyMap>();
  for (const item of Array.isArray(items) ? items : []) {
    const written: Iterable<[PyValue, PyValue]> = item instanceof Map ? item : [[item, new Map()]];
    for (const [key, flags] of written) {
      const name = textOf(place, section, key);
      const before = entries.get(name);
      if (Array.isArray(flags)) {
        throw new MlopsError('bad_project_file', `Expected dict for '${name}', got: 'list'`, { data: { fatal: true } });
      }
      if (flags instanceof Map) entries.set(name, new Map([...(before ?? []), ...flags]));
    }
  }
  return [...entries];
}

const plotKeys = new Set<PyValue>(['template', 'x', 'y', 'x_label', 'y_label', 'title', 'header']);

function outOf(
  section: string,
  defPath: string,
  flags: PyMap,
  at: TreePath | undefined,
  info: ContentInfo | undefined,
): Out {
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
    plot: section === 'plots' ? new Map([...flags].filter(([key]) => plotKeys.has(key))) : undefined,
    ...(typeof desc === 'string' ? { desc } : {}),
    ...(typeof type === 'string' ? { type } : {}),
    ...(Array.isArray(labels) ? { labels: labels.map(pythonStr) } : {}),
    ...(meta === undefined ? {} : { meta }),
    info,
  };
}

/** Files in order of mention; a file that is named without keys once is tracked as a whole. */
function paramsOf(
  place: StagePlace,
  section: PyValue | undefined,
  wdir: TreePath,
  locked: LockedStage | undefined,
): ParamsDep[] {
  const items = Array.isArray(section) ? section : [];
  const keys = new Map<string, string[] | undefined>();
  const whole = new Set<string>();
  for (const item of items) {
    if (!(item instanceof Map)) continue;
    for (const [file, chosen] of item) {
      if (isFalsy(chosen)) whole.add(pythonStr(file));
      else if (!Array.isArray(chosen)) throw notAList(place, pythonStr(file), chosen);
    }
  }
  const add = (file: string, chosen: readonly string[]): void => {
    if (whole.has(file)) keys.set(file, undefined);
    else keys.set(file, [...(keys.get(file) ?? []), ...chosen]);
  };
  for (const item of items) {
    if (item instanceof Map) for (const [file, chosen] of item) add(pythonStr(file), texts(chosen));
    else if (!whole.has(defaultParamsFile)) add(defaultParamsFile, [textOf(place, 'params', item)]);
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
