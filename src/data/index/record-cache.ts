import * as path from 'node:path';

import type { HashName } from '../ids/content.ts';
import type { DirectoryRecord, StatIndex } from './stat-index.ts';
import { hexAt } from '../ids/digest.ts';
import { factsPerFile } from './walk.ts';

interface Known {
  readonly record: DirectoryRecord | undefined;
  /** Made at the second question: one file of a directory is found faster without. */
  positions?: Map<string, number>;
  questions: number;
}

/** Directories whose records are kept at hand, and how many files they may hold. */
const mostRecords = 16;
const mostFiles = 50_000;

/**
 * The index asked about single files: a pipeline has thousands of them in few directories, whose records must
 * not be read from the database and searched for each. A record that is behind does no harm: what it says was
 * true for a file with the facts that it says.
 */
export class RecordCache {
  readonly #index: StatIndex;
  readonly #known = new Map<string, Known>();

  constructor(index: StatIndex) {
    this.#index = index;
  }

  /** The digest of a file with these facts, undefined when it is not known. */
  digest(file: string, hashName: HashName, facts: Float64Array): string | undefined {
    const known = this.#directory(path.dirname(file), hashName);
    const { record } = known;
    if (record === undefined) return undefined;
    const at = positionOf(known, record, path.basename(file));
    if (at < 0) return undefined;
    for (let k = 0; k < factsPerFile; k++) if (record.facts[at * factsPerFile + k] !== facts[k]) return undefined;
    return hexAt(record.digests, at);
  }

  /** The directory has another record now. */
  forget(directory: string, hashName: HashName): void {
    this.#known.delete(`${hashName}:${directory}`);
  }

  #directory(directory: string, hashName: HashName): Known {
    const key = `${hashName}:${directory}`;
    const found = this.#known.get(key);
    if (found !== undefined) return found;
    const record = this.#index.directory(directory, hashName);
    const known: Known = { record, questions: 0 };
    if (record !== undefined && record.names.length > mostFiles) return known;
    if (this.#known.size >= mostRecords) {
      const [oldest = ''] = this.#known.keys();
      this.#known.delete(oldest);
    }
    this.#known.set(key, known);
    return known;
  }
}

function positionOf(known: Known, record: DirectoryRecord, name: string): number {
  if (known.questions++ === 0) return record.names.indexOf(name);
  known.positions ??= new Map(record.names.map((other, i) => [other, i]));
  return known.positions.get(name) ?? -1;
}
