import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { cloneRepository } from '../../git/index.ts';
import { namesFolder } from '../../scaffold/index.ts';

/**
 * Gives a template's name or folder to `use`: a Git address (`https://...`, `git@host:...`, `file://...`, `*.git`, with
 * `#folder` where it is not at the top) is cloned for that long. Nothing of it is run.
 *
 * @param from a name, a folder relative to `cwd`, or an address.
 * @throws MlopsError `git_failed`, `bad_project_template`, and what `use` throws.
 */
export async function withTemplate<T>(
  from: string,
  cwd: string,
  signal: AbortSignal | undefined,
  use: (template: string) => Promise<T> | T,
): Promise<T> {
  if (!isAddress(from)) return use(namesFolder(from) ? path.resolve(cwd, from) : from);
  const [url = '', inside = ''] = from.split('#');
  if (path.isAbsolute(inside) || inside.split(/[/\\]/).includes('..')) {
    throw new MlopsError('bad_project_template', `'${inside}' is not a folder inside of '${url}'`);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-template-'));
  try {
    await cloneRepository(url, path.join(folder, 'clone'), { signal });
    return await use(path.join(folder, 'clone', inside));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function isAddress(from: string): boolean {
  const [url = ''] = from.split('#');
  return url.includes('://') || url.startsWith('git@') || url.endsWith('.git');
}
