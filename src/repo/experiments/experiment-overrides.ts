import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError, writeFileAtomic } from '../../base/index.ts';
import { decodeText, defaultParamsFile } from '../../project/index.ts';
import { editParams, type Override } from './override-edit.ts';
import { parseOverrideValue } from './override-grammar.ts';

/**
 * Reads `[file:]key=value`, `+key=value`, `++key=value`, `~key`, `~key=value`. Values with commas, `choice(a, b)` and
 * `range(1, 4)` stand for several: the result has one list of overrides for each combination.
 *
 * @throws MlopsError `usage` for anything else.
 */
export function parseOverrides(texts: readonly string[]): Override[][] {
  let combinations: Override[][] = [[]];
  for (const text of texts) {
    const choices = parseOverride(text);
    combinations = combinations.flatMap((done) => choices.map((choice) => [...done, choice]));
  }
  return combinations;
}

function parseOverride(text: string): Override[] {
  const match = /^(?:([^=:]+):)?(\+\+|\+|~)?([\w$-]+(?:\.[\w$-]+)*)(?:=([\s\S]*))?$/.exec(text);
  const [, file = defaultParamsFile, sign = '', key = '', value] = match ?? [];
  if (match === null || (value === undefined && sign !== '~')) {
    throw new MlopsError('usage', `'${text}' is no override`, {
      exit: 255,
      hint: 'write -S key=value or -S file:key=value',
    });
  }
  const parsed = value === undefined ? undefined : parseOverrideValue(value);
  if (sign === '~') {
    const only = parsed !== undefined && 'one' in parsed ? parsed.one : undefined;
    return [{ file, key, action: 'remove', value: null, ...(only === undefined || only === '' ? {} : { only }) }];
  }
  const action = sign === '' ? 'set' : sign === '+' ? 'add' : 'put';
  const values = parsed === undefined ? [] : 'one' in parsed ? [parsed.one] : parsed.sweep;
  return values.map((each) => ({ file, key, action, value: each }));
}

/** What overrides did to params files, and the way back. */
export interface AppliedOverrides {
  /** Gives the files the bytes and times that they had. */
  undo(): void;
}

/**
 * Writes overrides into params files below a folder; comments and layout stay. All are tried before the first file is
 * written: where one is refused nothing has changed.
 *
 * @throws MlopsError `bad_params`.
 */
export function applyOverrides(root: string, overrides: readonly Override[]): AppliedOverrides {
  const texts = new Map<string, string>();
  for (const override of overrides) {
    const file = path.join(root, override.file);
    texts.set(file, editParams(texts.get(file) ?? readParamsFile(file, override.file), override));
  }
  const before = [...texts.keys()].map((file) => ({ file, bytes: fs.readFileSync(file), stat: fs.statSync(file) }));
  for (const [file, text] of texts) writeFileAtomic(file, text);
  return {
    undo() {
      for (const { file, bytes, stat } of before) {
        writeFileAtomic(file, bytes);
        fs.utimesSync(file, stat.atimeMs / 1000, stat.mtimeMs / 1000);
      }
    },
  };
}

function readParamsFile(file: string, shown: string): string {
  try {
    return decodeText(fs.readFileSync(file), shown);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw new MlopsError('bad_params', `params file '${shown}' does not exist`, {
      hint: 'make it, or name another with -S file:key=value',
    });
  }
}
