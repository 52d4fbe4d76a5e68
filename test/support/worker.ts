import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(import.meta.dirname));
let built: Promise<URL> | undefined;

/** Builds the inference thread's entry from its sources, as `npm run build` does, so that tests run the current one. */
export function inferenceWorker(): Promise<URL> {
  built ??= bundle();
  return built;
}

async function bundle(): Promise<URL> {
  // Inside the project: the bundle finds onnxruntime-node by walking up.
  const folder = path.join(root, 'node_modules', '.cache', 'mlops-tests');
  fs.mkdirSync(folder, { recursive: true });
  const outfile = path.join(folder, `inference-${os.userInfo().uid}-${process.pid}.mjs`);
  await build({
    entryPoints: [path.join(root, 'src/serve/running/inference.worker.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  process.on('exit', () => fs.rmSync(outfile, { force: true }));
  return pathToFileURL(outfile);
}
