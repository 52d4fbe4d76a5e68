// Bundles src/ui into dist/ui: files with their digest in their names, each also as gzip and Brotli.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = path.dirname(import.meta.dirname);
const source = path.join(root, 'src/ui');

/** @param {string} dist folder that has, or gets, the folder `ui`. */
export async function buildUi(dist) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'src/ui/main.tsx', style: 'src/ui/style.css' },
    outdir: path.join(dist, 'ui'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    write: false,
    metafile: true,
    logLevel: 'warning',
    tsconfig: path.join(source, 'tsconfig.json'),
  });
  const files = new Map(outputFiles.map((file) => [path.basename(file.path), Buffer.from(file.contents)]));
  const icon = readFileSync(path.join(source, 'icon.svg'));
  const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8)}.svg`;
  files.set(iconName, icon);
  const named = (pattern) => [...files.keys()].find((name) => pattern.test(name)) ?? '';
  const page = readFileSync(path.join(source, 'index.html'), 'utf8')
    .replace('{icon}', iconName)
    .replace('{style}', named(/^style-.*\.css$/))
    .replace('{script}', named(/^main-.*\.js$/))
    .replaceAll(/\n\s*/g, '\n');
  const folder = path.join(dist, 'ui');
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) {
    put(path.join(folder, name), content);
    if (content.length < 500) continue;
    put(path.join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
    put(
      path.join(folder, `${name}.br`),
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    );
  }
  // The document last: what it names is there. Files of the last build stay for pages that are open.
  put(path.join(folder, 'index.html'), Buffer.from(page));
  const now = new Set([...files.keys(), 'index.html'].flatMap((name) => [name, `${name}.gz`, `${name}.br`]));
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    if (!now.has(name) && Date.now() - statSync(file).mtimeMs > 600_000) rmSync(file);
  }
  return Object.keys(metafile.inputs);
}

function put(file, content) {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
