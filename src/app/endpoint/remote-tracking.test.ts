import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { silentLogger } from '../../base/index.ts';
import { trackingContract, type Opened } from '../../tracking/contract.ts';
import { openTracking } from '../../tracking/index.ts';
import { traceContract } from '../../tracking/trace-contract.ts';
import { trafficContract } from '../../tracking/traffic-contract.ts';
import { webhookContract } from '../../tracking/webhook-contract.ts';
import { startTrackingServer } from './server.ts';

async function open(): Promise<Opened> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-remote-'));
  const server = await startTrackingServer({
    place: { uri: path.join(dir, 'mlops.db'), root: dir, given: true },
    cwd: dir,
    host: '127.0.0.1',
    port: 0,
    log: silentLogger,
  });
  const store = await openTracking(server.url, { env: {} });
  return {
    store,
    close: async () => {
      await store.close();
      await server.close(1000);
      fs.rmSync(dir, { recursive: true });
    },
  };
}

trackingContract('remote', open);
traceContract('remote', open);
webhookContract('remote', open);
trafficContract('remote', open);
