import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * The folder of the package that the file `from` belongs to, which ships a folder `holding`: the same search serves
 * `src/` in development and a bundle at any depth of `dist/`.
 */
export function packageFolder(holding: string, from: string): string {
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, holding)) && fs.existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`no package with a folder '${holding}' above ${from}`);
  }
}
