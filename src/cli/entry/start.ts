import * as nodeModule from 'node:module';
import * as path from 'node:path';

import { nodeCacheFolder, requireCached } from './code-cache.ts';

/** What `bin/mlops.js` calls: loads the bundle beside this file by the fastest way this Node has, and runs it. */
export async function start(): Promise<void> {
  const entry = path.join(import.meta.dirname, 'mlops.js');
  const { runProcess } = load(entry) as { runProcess: () => Promise<void> };
  await runProcess();
}

function load(entry: string): unknown {
  const own = process.env['NODE_DISABLE_COMPILE_CACHE'] === undefined && process.env['NODE_V8_COVERAGE'] === undefined;
  // Node 22 keeps compiled code itself; the types are those of Node 20.
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder?: string) => void };
  if (enableCompileCache !== undefined) keepCode(enableCompileCache);
  else if (own) return requireCached(entry, verbOf(process.argv.slice(2)));
  return nodeModule.createRequire(entry)(entry);
}

/** Node's own place for compiled code is a folder that any user of the machine may have made before. */
function keepCode(enable: (folder?: string) => void): void {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return enable();
  const folder = nodeCacheFolder();
  if (folder !== undefined) enable(folder);
}

/** The first words of the line that are names, as far as they can tell which code will run. */
function verbOf(words: readonly string[]): string {
  const names = words.filter((word) => /^[a-z][a-z-]{0,20}$/.test(word));
  return names[0] ?? 'none';
}
