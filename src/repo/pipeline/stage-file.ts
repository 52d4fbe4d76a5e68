import { compareCodePoints, type PyMap, type PyValue } from '../../base/index.ts';
import { defaultParamsFile, pythonStr, type Out, type ParamsDep, type Stage } from '../../project/index.ts';

/** A stage as it stands in dvc.yaml, in the order in which DVC writes keys. */
export function stageDefinition(stage: Stage, wdir: string | undefined): PyMap {
  const definition: PyMap = new Map();
  const put = (key: string, value: PyValue | undefined): void => {
    const empty =
      value === undefined || value === false || value === '' || (Array.isArray(value) && value.length === 0);
    if (!empty && value !== null) definition.set(key, value);
  };
  const outs = [...stage.outs].sort((a, b) => compareCodePoints(a.defPath, b.defPath));
  put('desc', stage.desc);
  put('cmd', typeof stage.cmd === 'string' ? stage.cmd : [...(stage.cmd ?? [])]);
  put('wdir', wdir);
  put('deps', stage.deps.map((dep) => dep.defPath).sort(compareCodePoints));
  put('params', paramEntries(stage.params));
  put('outs', outs.filter((out) => !out.metric && out.plot === undefined).map(outEntry));
  put('metrics', outs.filter((out) => out.metric).map(outEntry));
  put('plots', outs.filter((out) => out.plot !== undefined).map(outEntry));
  put('frozen', stage.frozen);
  put('always_changed', stage.alwaysChanged);
  put('meta', stage.meta);
  return definition;
}

/** Keys of params.yaml first and bare, then each other file with its keys, sorted. */
function paramEntries(params: readonly ParamsDep[]): PyValue[] {
  const files = [...params].sort((a, b) => compareCodePoints(a.defPath, b.defPath));
  const own = files.filter(({ defPath }) => defPath === defaultParamsFile);
  const others = files.filter(({ defPath }) => defPath !== defaultParamsFile);
  return [...own, ...others].flatMap(({ defPath, keys }): PyValue[] => {
    const sorted = [...(keys ?? [])].sort(compareCodePoints);
    if (sorted.length === 0) return [new Map([[defPath, null]])];
    return defPath === defaultParamsFile ? sorted : [new Map([[defPath, sorted]])];
  });
}

function outEntry(out: Out): PyValue {
  const flags: PyMap = new Map();
  if (out.desc !== undefined) flags.set('desc', out.desc);
  if (out.type !== undefined) flags.set('type', out.type);
  if (out.labels !== undefined) flags.set('labels', [...out.labels]);
  if (out.meta !== undefined) flags.set('meta', out.meta);
  if (!out.cache) flags.set('cache', false);
  if (out.persist) flags.set('persist', true);
  if (out.remote !== undefined) flags.set('remote', out.remote);
  if (!out.push) flags.set('push', false);
  if (out.plot instanceof Map) {
    for (const [key, value] of [...out.plot].sort(([a], [b]) => compareCodePoints(pythonStr(a), pythonStr(b)))) {
      flags.set(key, value);
    }
  }
  return flags.size === 0 ? out.defPath : new Map([[out.defPath, flags]]);
}
