import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError } from '../../base/index.ts';
import { parseDataSchema, type DataSchema } from '../../quality/index.ts';

/** @throws MlopsError `bad_settings` for what is wrong in it, and where there is none. */
export function readDataSchema(cwd: string, file: string): DataSchema {
  return parseDataSchema(readSettingsText(cwd, file, 'mlops check data infer FILE writes one'), file);
}

/** The text of a settings file. @throws MlopsError `bad_settings` where there is none. */
export function readSettingsText(cwd: string, file: string, hint: string): string {
  try {
    return fs.readFileSync(path.resolve(cwd, file), 'utf8');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error;
    throw new MlopsError('bad_settings', `'${file}' does not exist`, { hint });
  }
}
