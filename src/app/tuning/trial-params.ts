import * as fs from 'node:fs';
import * as path from 'node:path';

import { didYouMean, MlopsError, type PyMap } from '../../base/index.ts';
import {
  decodeText,
  defaultParamsFile,
  flattenParams,
  getParam,
  parseDataFile,
  shellQuote,
} from '../../project/index.ts';
import type { Param } from '../../mlflow/index.ts';
import { applyOverrides } from '../../repo/experiments/experiment-overrides.ts';
import { withReferences, type Override } from '../../repo/experiments/override-edit.ts';
import type { Params, ParamValue, Space } from '../../tune/index.ts';
import { paramsOf } from '../recording/record-snapshot.ts';
import { fileValue } from './read-tune.ts';
import type { TuneSettings } from './settings.ts';

/** Where a searched parameter goes: a key of a params file, the command line, or the environment alone. */
export interface ParamPlace {
  readonly name: string;
  readonly file: string | undefined;
  readonly key: string;
  /** The key need not be there yet. */
  readonly add: boolean;
  readonly isFloat: boolean;
}

/**
 * Where each parameter of a space goes. `[FILE:]KEY` names a params file, a `+` before the key lets it be new; in a
 * command `${NAME}` stands for a parameter.
 *
 * @throws MlopsError `bad_params` for a key that is in no file, with the one that was probably meant.
 */
export function paramPlaces(root: string, settings: TuneSettings, space: Space): readonly ParamPlace[] {
  const inCommand = new Set<string>();
  if (settings.job.kind === 'command') {
    withReferences(settings.job.command, (name) => {
      inCommand.add(name);
      return '';
    });
  }
  return space.parameters.map(({ name, domain }) => {
    const [, named, plus, key = name] = /^(?:([^:+]+):)?(\+?)(.+)$/.exec(name) ?? [];
    const file = named ?? settings.params;
    const isFloat = domain.type === 'float';
    const place = { name, key, add: plus === '+', isFloat };
    const exists = fs.existsSync(path.join(root, file));
    if (!exists && named === undefined && settings.job.kind === 'command') return { ...place, file: undefined };
    if (!exists) {
      throw new MlopsError('bad_params', `params file '${file}' does not exist, where '${key}' would be set`, {
        hint: 'make it, or name another one: params: FILE, or FILE:KEY',
      });
    }
    const data = parseDataFile(decodeText(fs.readFileSync(path.join(root, file)), file), file);
    const found = data instanceof Map && getParam(data, key) !== undefined;
    if (found || place.add) return { ...place, file };
    if (inCommand.has(name)) return { ...place, file: undefined };
    const known = data instanceof Map ? [...flattenParams(data).keys()] : [];
    throw new MlopsError('bad_params', `'${key}' is not in '${file}', so no trial would see it`, {
      hint:
        didYouMean(key, known) ??
        `to add it there, search '+${key}'${known.length === 0 ? '' : `; known are ${known.slice(0, 12).join(', ')}`}`,
    });
  });
}

/** Writes a trial's params into its files. */
export function writeParams(root: string, places: readonly ParamPlace[], params: Params): void {
  const overrides = overridesOf(places, params);
  if (overrides.length > 0) applyOverrides(root, overrides);
}

export function overridesOf(places: readonly ParamPlace[], params: Params): Override[] {
  return places.flatMap(({ name, file, key, add, isFloat }) => {
    const value = params[name];
    if (file === undefined || value === undefined) return [];
    return [{ file, key, action: add ? ('put' as const) : ('set' as const), value: fileValue(value, isFloat) }];
  });
}

/** The command with its parameters put in, quoted for the shell. */
export function commandWith(command: string, params: Params): string {
  return withReferences(command, (name) =>
    params[name] === undefined ? `\${${name}}` : shellQuote(textOf(params[name])),
  );
}

/** The environment of a trial. */
export function trialEnv(study: string, number: number, params: Params): Record<string, string> {
  return { MLOPS_STUDY: study, MLOPS_TRIAL_NUMBER: String(number), MLOPS_PARAMS: JSON.stringify(params) };
}

/** A trial's params as its run has them: in the same words as those that stages record. */
export function recordedParams(places: readonly ParamPlace[], params: Params): Param[] {
  const files = new Map<string, PyMap>();
  for (const { name, file, key, isFloat } of places) {
    const value = params[name];
    if (value === undefined) continue;
    const inFile: PyMap = files.get(file ?? defaultParamsFile) ?? new Map();
    files.set(file ?? defaultParamsFile, inFile.set(key, fileValue(value, isFloat)));
  }
  return paramsOf(files);
}

/** A value as a text: texts as they are, the rest as JSON. */
function textOf(value: ParamValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
