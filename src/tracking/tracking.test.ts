import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { trackingContract } from './contract.ts';
import { openTracking } from './index.ts';

function folder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-tracking-'));
}

for (const kind of ['memory', 'sqlite']) {
  trackingContract(kind, async () => {
    const dir = folder();
    const store = await openTracking(kind === 'memory' ? 'memory:' : path.join(dir, 'mlops.db'), {
      artifacts: path.join(dir, 'artifacts'),
    });
    return {
      store,
      close: async () => {
        await store.close();
        fs.rmSync(dir, { recursive: true });
      },
    };
  });
}
