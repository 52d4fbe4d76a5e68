import type { HashName } from '../ids/content.ts';
import type { RecordCache } from './record-cache.ts';
import type { StatIndex } from './stat-index.ts';
import { factsPerFile } from './walk.ts';

/** A hashed file of the workspace and the facts it had. */
export interface IndexedFile {
  readonly file: string;
  readonly md5: string;
  readonly facts: Float64Array;
}

/** The index of a context, and what asks it about single files. */
interface Known {
  readonly index: StatIndex;
  readonly records: RecordCache;
}

/** Puts files into the index beside what it knows of their directories. */
export function rememberFiles(known: Known, hashName: HashName, files: readonly IndexedFile[]): void {
  const groups = new Map<string, IndexedFile[]>();
  for (const file of files) {
    const directory = file.file.slice(0, file.file.lastIndexOf('/'));
    const group = groups.get(directory);
    if (group === undefined) groups.set(directory, [file]);
    else group.push(file);
  }
  for (const [directory, group] of groups) mergeDirectory(known, hashName, directory, group);
}

function mergeDirectory(known: Known, hashName: HashName, directory: string, group: readonly IndexedFile[]): void {
  const old = known.index.directory(directory, hashName);
  const names = old === undefined ? [] : [...old.names];
  const positions = new Map(names.map((name, i) => [name, i]));
  for (const { file } of group) {
    const name = file.slice(directory.length + 1);
    if (!positions.has(name)) positions.set(name, names.push(name) - 1);
  }
  const facts = new Float64Array(names.length * factsPerFile);
  const digests = Buffer.alloc(names.length * 16);
  if (old !== undefined) {
    facts.set(old.facts);
    old.digests.copy(digests);
  }
  for (const { file, md5, facts: own } of group) {
    const at = positions.get(file.slice(directory.length + 1)) ?? 0;
    facts.set(own, at * factsPerFile);
    digests.write(md5.slice(0, 32), at * 16, 'hex');
  }
  known.index.putDirectory(directory, hashName, { names, facts, digests });
  known.records.forget(directory, hashName);
}
