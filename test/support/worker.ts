import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(import.meta.dirname));
const built = new Map<string, Promise<URL>>();

/** Builds the inference thread's entry from its sources, as `npm run build` does, so that tests run the current one. */
export function inferenceWorker(): Promise<URL> {
  return worker('running/inference');
}

/** The same for the thread of large bodies. */
export function exchangeWorker(): Promise<URL> {
  return worker('protocols/exchange');
}

/** The same for the thread of pictures. */
export function pictureWorker(): Promise<URL> {
  return worker('../pictures/picture');
}

function worker(name: string): Promise<URL> {
  const building = built.get(name) ?? bundle(name);
  built.set(name, building);
  return building;
}

async function bundle(name: string): Promise<URL> {
  // Inside the project: the bundle finds onnxruntime-node by walking up.
  const folder = path.join(root, 'node_modules', '.cache', 'mlops-tests');
  fs.mkdirSync(folder, { recursive: true });
  const outfile = path.join(folder, `${path.basename(name)}-${os.userInfo().uid}-${process.pid}.mjs`);
  await build({
    entryPoints: [path.join(root, `src/serve/${name}.worker.ts`)],
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
