import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe } from 'vitest';

import { blobStoreContract } from '../port/contract.ts';
import { localStore, memoryStore } from '../index.ts';

describe('a store in memory', () => {
  blobStoreContract(() => memoryStore());
});

describe('a folder as a store', () => {
  blobStoreContract(() => localStore(temporaryFolder()));
});

function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-storage-'));
}
