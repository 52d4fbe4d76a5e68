// Bundles src/ into dist/: one entry for the command line with a chunk per command, one per worker.
import { build } from 'esbuild';
import { globSync } from './glob.mjs';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
const entries = { mlops: 'src/cli/process.ts', docs: 'src/cli/docs.ts' };
for (const file of globSync(path.join(root, 'src'), (name) => name.endsWith('.worker.ts'))) {
  entries[path.basename(file, '.ts')] = path.relative(root, file);
}

// Fastify loads these only for schemas, loggers and injected requests, none of which we use.
const unusedByFastify = ['pino', 'light-my-request', '@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'];

// Built aside and moved in, so that a command started meanwhile finds a whole bundle.
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
  external: ['better-sqlite3', 'onnxruntime-node', '@aws-sdk/*', 'simple-git', 'execa', 'ora', '@huggingface/*', 'pg', ...unusedByFastify],
  mainFields: ['module', 'main'],
  conditions: ['import', 'module'],
  alias: { yaml: path.join(root, 'node_modules/yaml/browser/dist/index.js') },
  banner: { js: "import { createRequire as mlopsCreateRequire } from 'node:module'; const require = mlopsCreateRequire(import.meta.url);" },
  logLevel: 'warning',
  metafile: true,
});
const dist = path.join(root, 'dist');
if (process.argv.includes('--clean')) rmSync(dist, { recursive: true, force: true });
mkdirSync(path.join(dist, 'chunks'), { recursive: true });
// Chunks before entries, and old chunks stay for an hour: commands that run meanwhile find what they import.
for (const folder of ['chunks', '.']) {
  for (const entry of readdirSync(path.join(fresh, folder), { withFileTypes: true })) {
    if (entry.isFile()) renameSync(path.join(fresh, folder, entry.name), path.join(dist, folder, entry.name));
  }
}
rmSync(fresh, { recursive: true, force: true });
for (const name of readdirSync(path.join(dist, 'chunks'))) {
  const file = path.join(dist, 'chunks', name);
  if (Date.now() - statSync(file).mtimeMs > 3_600_000) rmSync(file);
}
const outputs = Object.values(result.metafile.outputs);
const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0);
console.log(`built ${outputs.length} files, ${Math.round(bytes / 1024)} KiB, into dist/`);
