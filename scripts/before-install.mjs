// When the package is installed somewhere: npm has unpacked all packages and now runs `preinstall` of each, before any
// other script. This one makes onnxruntime-node fit: without what it brings for other platforms (four fifths of all that
// is installed), and without the CUDA libraries that its own script fetches from another server, failing where that
// cannot be reached.
//
//   ONNXRUNTIME_NODE_INSTALL=cuda12   fetch the CUDA libraries nevertheless
//   MLOPS_KEEP_PLATFORMS=1            keep other platforms, for a node_modules that is copied to other machines
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
const modules = path.dirname(root);
// In a clone of the repository nothing is changed.
if (path.basename(modules) === 'node_modules') {
  const places = [path.join(root, 'node_modules'), modules].map((folder) => path.join(folder, 'onnxruntime-node'));
  const runtime = places.find((folder) => existsSync(folder));
  if (runtime !== undefined) {
    if (!process.env.MLOPS_KEEP_PLATFORMS) removeOthers(path.join(runtime, 'bin'));
    fetchNothing(path.join(runtime, 'script/install-metadata.js'));
  }
}

/** @param bin holds folders `napi-v6/PLATFORM/ARCHITECTURE`. */
function removeOthers(bin) {
  for (const platform of folders(bin).flatMap(folders)) {
    for (const architecture of folders(platform)) {
      const isOurs = path.basename(platform) === process.platform && path.basename(architecture) === process.arch;
      if (!isOurs) rmSync(architecture, { recursive: true, force: true });
    }
  }
}

/** What its script fetches when nobody asks for anything; what somebody asks for, it still knows. */
function fetchNothing(metadata) {
  if (!existsSync(metadata)) return;
  const text = readFileSync(metadata, 'utf8');
  writeFileSync(metadata, text.replace("'linux/x64': ['cuda12'],", "'linux/x64': [],"));
}

function folders(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(directory, entry.name));
}
