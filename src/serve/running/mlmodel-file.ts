import * as fs from 'node:fs';
import * as path from 'node:path';

import { parseMlModel, type MlModel } from '../../model/index.ts';

/** What the MLmodel of a model folder says, where there is one. @throws MlopsError `model_broken`. */
export async function readMlModel(folder: string | undefined): Promise<MlModel | undefined> {
  const file = folder === undefined ? undefined : path.join(folder, 'MLmodel');
  if (file === undefined || !fs.existsSync(file)) return undefined;
  return parseMlModel(fs.readFileSync(file, 'utf8'), file);
}
