import { compareCodePoints, MlopsError, dataPathFault, pythonJsonString } from '../../base/index.ts';
import type { TreeFile } from './content.ts';
import { createDigest } from './digest.ts';

const surrogate = /[\ud800-\udfff]/;

/**
 * The bytes of a `.dir` object: what Python's `json.dumps(entries, sort_keys=True)` writes for a list of
 * `{md5, relpath}` sorted by `relpath` in code point order. Its md5 plus `.dir` is the directory's id.
 */
export function formatManifest(files: readonly TreeFile[]): string {
  return [...manifestChunks(files)].join('');
}

/** The id of the directory that holds these files, given as for `manifestChunks`. */
export function manifestId(files: Iterable<TreeFile>): string {
  const digest = createDigest('md5');
  for (const chunk of manifestChunks(files)) digest.update(Buffer.from(chunk));
  return `${digest.hex()}.dir`;
}

const filesPerChunk = 5000;

/**
 * The text of a manifest in pieces: that of a million files as one would take a tenth of a GiB, twice.
 * @param files a list in any order, or anything else in the manifest's own.
 */
export function* manifestChunks(files: Iterable<TreeFile>): Iterable<string> {
  let parts: string[] = [];
  let start = '[';
  for (const { md5, relpath } of isList(files) ? sortTree(files) : files) {
    parts.push(`{"md5": "${md5}", "relpath": ${pythonJsonString(relpath)}}`);
    if (parts.length < filesPerChunk) continue;
    yield start + parts.join(', ');
    parts = [];
    start = ', ';
  }
  yield (parts.length === 0 && start === ', ' ? '' : start) + parts.join(', ');
  yield ']';
}

function isList(files: Iterable<TreeFile>): files is readonly TreeFile[] {
  return Array.isArray(files);
}

/** Files in the order of the manifest. Input that is in order already is returned as it is. */
export function sortTree(files: readonly TreeFile[]): readonly TreeFile[] {
  let astral = false;
  let sorted = true;
  let previous = '';
  for (const { relpath } of files) {
    if (surrogate.test(relpath)) astral = true;
    if (relpath < previous) sorted = false;
    previous = relpath;
  }
  // The native order is UTF-16's, wrong only beyond the basic plane, and far cheaper.
  if (astral) return [...files].sort((a, b) => compareCodePoints(a.relpath, b.relpath));
  if (sorted) return files;
  return [...files].sort((a, b) => (a.relpath < b.relpath ? -1 : a.relpath > b.relpath ? 1 : 0));
}

/**
 * Reads a manifest. Entries of older DVC versions may have other keys beside the two; they are ignored.
 * @throws MlopsError `corrupt_object` for anything that is not a list of such entries, or whose paths
 * would lead out of the directory.
 */
export function parseManifest(content: Uint8Array | string, id: string): TreeFile[] {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw broken(id, 'is not JSON', error);
  }
  if (!Array.isArray(list)) throw broken(id, 'is not a list');
  const files: TreeFile[] = [];
  for (const entry of list as unknown[]) files.push(readEntry(entry, id));
  return files;
}

const digestKey = '{"md5": "';

/**
 * Only the digests of a manifest in the layout that DVC writes, some times faster than parsing it;
 * undefined for any other layout. No text inside a JSON string can look like the key: its quotes would be
 * escaped.
 */
export function manifestDigests(content: Buffer): string[] | undefined {
  const text = content.toString('latin1');
  if (text === '[]') return [];
  if (!text.startsWith(`[${digestKey}`) || !text.endsWith('"}]')) return undefined;
  const digests: string[] = [];
  for (let at = text.indexOf(digestKey); at >= 0; at = text.indexOf(digestKey, at + 50)) {
    const start = at + digestKey.length;
    if (text[start + 32] !== '"') return undefined;
    digests.push(text.slice(start, start + 32));
  }
  return digests;
}

/** Where one entry ends and the next begins, in DVC's layout; inside a JSON string the quotes would be escaped. */
const seam = Buffer.from('"}, {"');

/**
 * A manifest that comes in chunks as smaller manifests, cut between entries. One in another layout than DVC's comes as
 * a whole.
 */
export function* splitManifest(chunks: Iterable<Buffer>): Iterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    const cut = rest.lastIndexOf(seam);
    if (cut < 0) continue;
    yield Buffer.concat([rest.subarray(0, cut + 2), Buffer.from(']')]);
    rest = Buffer.concat([Buffer.from('['), rest.subarray(cut + 4)]);
  }
  yield rest;
}

const digestPattern = /^[0-9a-f]{32}$/;

function readEntry(entry: unknown, id: string): TreeFile {
  if (typeof entry !== 'object' || entry === null) throw broken(id, 'has an entry that is not a mapping');
  const { md5, relpath } = entry as { md5?: unknown; relpath?: unknown };
  if (typeof md5 !== 'string' || !digestPattern.test(md5)) throw broken(id, 'has an entry without an md5');
  if (typeof relpath !== 'string') throw broken(id, 'has an entry without a path');
  const fault = dataPathFault(relpath);
  if (fault !== undefined) throw broken(id, `names the path '${relpath}': '${fault.name}' ${fault.why}`);
  return { relpath, md5 };
}

function broken(id: string, what: string, cause?: unknown): MlopsError {
  return new MlopsError('corrupt_object', `the directory manifest '${id}' ${what}`, {
    hint: 'run `mlops fsck --repair` to fetch it again from the remote',
    cause,
    data: { md5: id },
  });
}
