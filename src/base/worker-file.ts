import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The built file of a `*.worker.ts` entry: beside the bundle, above its chunk folder, or in `dist/` when the program
 * runs from its sources.
 */
export function locateWorker(name: string): URL {
  const places = [`./${name}.worker.js`, `../${name}.worker.js`, `../../dist/${name}.worker.js`];
  for (const place of places) {
    const url = new URL(place, import.meta.url);
    if (fs.existsSync(fileURLToPath(url))) return url;
  }
  throw new Error(`${name}.worker.js is missing: the program was not built (npm run build)`);
}
