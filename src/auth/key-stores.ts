import * as fs from 'node:fs';
import * as path from 'node:path';

import { messageOf, MlopsError, writeFileAtomic } from '../base/index.ts';
import type { KeyStore, StoredKey } from './api-keys.ts';

/** Keys in memory; gone with the process. */
export function memoryKeyStore(): KeyStore {
  let keys: readonly StoredKey[] = [];
  let changes = 0;
  return {
    load: () => keys,
    save: (changed) => {
      keys = changed;
      changes++;
    },
    revision: () => String(changes),
  };
}

/**
 * Keys in a JSON file that only its owner may read: `{"version": 1, "keys": [...]}`.
 * @param makeFolder makes the folder of the file, when the first key is kept.
 */
export function fileKeyStore(
  file: string,
  makeFolder = (): void => void fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 }),
): KeyStore {
  return {
    load: () => loadFile(file),
    save: (keys) => {
      makeFolder();
      writeFileAtomic(file, `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`, { mode: 0o600, durable: true });
    },
    revision: () => {
      const stat = fs.statSync(file, { throwIfNoEntry: false, bigint: true });
      return stat === undefined ? 'absent' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
    },
  };
}

function loadFile(file: string): readonly StoredKey[] {
  if (!fs.existsSync(file)) return [];
  try {
    const value = JSON.parse(fs.readFileSync(file, 'utf8')) as { version?: number; keys?: StoredKey[] };
    if (value.version === 1 && Array.isArray(value.keys)) return value.keys;
    throw new Error(`version ${value.version}`);
  } catch (error) {
    throw new MlopsError('bad_json', `the key file '${file}' cannot be read: ${messageOf(error)}`, {
      hint: 'restore it from a backup, or remove it and create new keys',
      cause: error,
    });
  }
}
