// Bundles src/ into dist/: one entry for the command line with a chunk per command, one per worker.
import { build } from 'esbuild';
import { globSync } from './glob.mjs';
import { rmSync, mkdirSync, renameSync, existsSync } from 'node:fs';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
const entries = { mlops: 'src/cli/process.ts', docs: 'src/cli/docs.ts' };
for (const file of globSync(path.join(root, 'src'), (name) => name.endsWith('.worker.ts'))) {
  entries[path.basename(file, '.ts')] = path.relative(root, file);
}

// Built aside and swapped in, so that a command started meanwhile finds a whole bundle.
const fresh = path.join(root, `dist.${process.pid}`);
const result = await build({
  absWorkingDir: root,
  entryPoints: entries,
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
  // Parsers are bundled, which makes them load in a third of the time; addons and large SDKs stay outside.
  external: ['better-sqlite3', 'onnxruntime-node', '@aws-sdk/*', 'simple-git', 'execa', 'ora', 'fastify', '@huggingface/*', 'pg'],
  mainFields: ['module', 'main'],
  conditions: ['import', 'module'],
  alias: { yaml: path.join(root, 'node_modules/yaml/browser/dist/index.js') },
  banner: { js: "import { createRequire as mlopsCreateRequire } from 'node:module'; const require = mlopsCreateRequire(import.meta.url);" },
  logLevel: 'warning',
  metafile: true,
});
mkdirSync(fresh, { recursive: true });
const dist = path.join(root, 'dist');
const old = path.join(root, `dist.old.${process.pid}`);
if (existsSync(dist)) renameSync(dist, old);
renameSync(fresh, dist);
rmSync(old, { recursive: true, force: true });
const outputs = Object.values(result.metafile.outputs);
const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0);
console.log(`built ${outputs.length} files, ${Math.round(bytes / 1024)} KiB, into dist/`);
