import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { authContract } from './auth-contract.ts';
import { trackingContract, type Opened } from './contract.ts';
import { openTracking } from './index.ts';
import { ownerContract } from './owner-contract.ts';
import { searchContract } from './search-contract.ts';
import { traceContract } from './trace-contract.ts';
import { trafficContract } from './traffic-contract.ts';
import { webhookContract } from './webhook-contract.ts';

for (const kind of ['memory', 'sqlite']) {
  const open = async (): Promise<Opened> => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-tracking-'));
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
  };
  trackingContract(kind, open);
  ownerContract(kind, open);
  traceContract(kind, open);
  webhookContract(kind, open);
  trafficContract(kind, open);
  authContract(kind, open);
  if (kind === 'memory') searchContract(kind, open);
}
