// Bundles src/ into dist/: a chunk per command and per shared part, an entry per worker.
import { build, transform } from 'esbuild';
import { buildUi } from './build-ui.mjs';
import { globSync } from './glob.mjs';
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
const entries = { mlops: 'src/cli/entry/process.ts', docs: 'src/cli/entry/docs.ts' };
const workers = globSync(path.join(root, 'src'), (name) => name.endsWith('.worker.ts'));
// Packages that a room loads late and synchronously, by `createRequire(import.meta.url)('NAME')`: bundled too.
const yaml = path.join(root, 'node_modules/yaml/browser/dist/index.js');
const sqlite = path.join(root, 'node_modules/better-sqlite3/lib/index.js');
const tomlPatch = path.join(root, 'node_modules/@decimalturn/toml-patch/dist/toml-patch.js');
const latePackages = { yaml, 'smol-toml': 'smol-toml', '@decimalturn/toml-patch': tomlPatch, 'better-sqlite3': sqlite };
const lateFile = (name) => `late-${name.replaceAll(/[^\w-]+/g, '')}`;
for (const [name, module] of Object.entries(latePackages)) entries[lateFile(name)] = module;

// Fastify loads these only for schemas, loggers and injected requests, none of which we use.
const unusedByFastify = ['pino', 'light-my-request', '@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'];

// Built aside and moved in, so that a command started meanwhile finds a whole bundle.
const fresh = path.join(root, `dist.${process.pid}`);
const options = {
  absWorkingDir: root,
  outdir: fresh,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
  // Most packages are bundled, which makes them load in a third of the time; addons and what looks for its own
  // files stay outside.
  external: [
    'better-sqlite3',
    'bindings',
    '@resvg/resvg-wasm',
    'onnxruntime-node',
    '@grpc/*',
    '@huggingface/*',
    'pg',
    'sharp',
    ...unusedByFastify,
  ],
  mainFields: ['module', 'main'],
  conditions: ['import', 'module'],
  alias: { yaml },
  logLevel: 'warning',
  metafile: true,
};
const result = await build({ ...options, entryPoints: entries, splitting: true });
// A worker starts the sooner the less it loads: each is one file with what it needs.
const alone = workers.map((file) => ({ in: file, out: path.basename(file, '.ts') }));
const ownResult = await build({ ...options, entryPoints: alone });

// What loads the others stands alone.
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/entry/start.ts'],
  outdir: fresh,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  define: { 'import.meta.dirname': '__dirname' },
  logLevel: 'warning',
});

/**
 * ES modules load asynchronously, a stat and a promise chain for each; and Node 20 keeps no compiled code for them.
 * So the chunks become CommonJS, which `src/cli/entry/code-cache.ts` can load from compiled code.
 */
async function toCommonJs(file, sources) {
  const late = new RegExp(String.raw`\b\w+\(import\.meta\.url\)\("(${Object.keys(latePackages).join('|')})"\)`, 'g');
  const up = path.relative(path.dirname(file), fresh) || '.';
  const source = readFileSync(file, 'utf8')
    .replaceAll(/\bimport\("([^"]+)"\)/g, 'Promise.resolve().then(() => require("$1"))')
    .replaceAll(late, (_, name) => `require("${up.startsWith('.') ? up : `./${up}`}/${lateFile(name)}.js")`);
  const { code } = await transform(source, {
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    legalComments: 'none',
    define: {
      'import.meta.url': 'mlopsModuleUrl',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
  });
  const url = code.includes('mlopsModuleUrl')
    ? 'const mlopsModuleUrl = require("node:url").pathToFileURL(__filename).href;\n'
    : '';
  // What is inside, for readers and for the test of what a command loads.
  const inside = sources.map((name) => `// ${name}\n`).join('');
  // Half the text for Node to read at each start; lines stay short enough for the places that stack traces name.
  const { code: short } = await transform(url + plainBuiltins(code), {
    format: 'cjs',
    target: 'node20.19',
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
  });
  // What Node looks for when an ES module imports names; the minifier takes it for dead code.
  const names = /^0 && \(module\.exports = \{[^}]*\}\);$/m.exec(code)?.[0] ?? '';
  writeFileSync(file, `${short}${names}\n${inside}`);
}

/** Node's own modules need no copy of their namespace, unless their default export is meant. */
function plainBuiltins(code) {
  return code.replaceAll(
    /^var (\w+) = __toESM\((require\("(?:node:)?[\w/]+"\))(?:, 1)?\);$/gm,
    (whole, name, required) =>
      /require\("(?:node:)?(?:assert|buffer|child_process|console|crypto|diagnostics_channel|dns|events|fs|fs\/promises|http|http2|https|module|net|os|path|perf_hooks|process|querystring|readline|stream|stream\/promises|string_decoder|timers|timers\/promises|tls|tty|url|util|v8|vm|worker_threads|zlib)"\)/.test(
        required,
      ) && !new RegExp(String.raw`\b${name}\.default\b`).test(code)
        ? `var ${name} = ${required};`
        : whole,
  );
}

for (const [name, output] of Object.entries({ ...result.metafile.outputs, ...ownResult.metafile.outputs })) {
  await toCommonJs(path.join(root, name), Object.keys(output.inputs));
}
writeFileSync(path.join(fresh, 'package.json'), '{ "type": "commonjs" }\n');
const dist = path.join(root, 'dist');
if (process.argv.includes('--clean')) rmSync(dist, { recursive: true, force: true });
mkdirSync(path.join(dist, 'chunks'), { recursive: true });
const uiInputs = await buildUi(dist);
writeFileSync(path.join(fresh, 'LICENSES.txt'), licensesOf([...Object.keys(result.metafile.inputs), ...uiInputs]));

/** The licence texts of the packages inside the bundle. */
function licensesOf(inputs) {
  const folders = new Set(
    inputs.map((file) => /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean),
  );
  return [...folders]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((folder) => {
      const file = readdirSync(path.join(root, folder)).find((name) => /^licen[cs]e/i.test(name));
      const { name, license } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
      return `${name} (${license})\n\n${file === undefined ? '' : readFileSync(path.join(root, folder, file), 'utf8')}`;
    })
    .join(`\n${'-'.repeat(80)}\n`);
}

cpSync(path.join(root, 'src/plots/font'), path.join(dist, 'font'), { recursive: true });
for (const file of globSync(path.join(root, 'src'), (name) => name.endsWith('.py'))) {
  cpSync(file, path.join(dist, 'python', path.basename(file)));
}
cpSync(path.join(root, 'src/serve/playground'), path.join(dist, 'playground'), { recursive: true });
// The page of `serve` at /docs, four of the 25 files of its package.
for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'LICENSE']) {
  cpSync(path.join(root, 'node_modules/swagger-ui-dist', name), path.join(dist, 'swagger-ui', name));
}
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
