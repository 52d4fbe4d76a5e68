// The contracts of a tracking store on real PostgreSQL servers: Debian's and the newest.
import * as path from 'node:path';
import { afterAll, beforeAll } from 'vitest';

import { authContract } from '../../../src/tracking/auth-contract.ts';
import { trackingContract, type Opened } from '../../../src/tracking/contract.ts';
import { openTracking } from '../../../src/tracking/index.ts';
import { ownerContract } from '../../../src/tracking/owner-contract.ts';
import { searchContract } from '../../../src/tracking/search-contract.ts';
import { traceContract } from '../../../src/tracking/trace-contract.ts';
import { trafficContract } from '../../../src/tracking/traffic-contract.ts';
import { webhookContract } from '../../../src/tracking/webhook-contract.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

for (const name of ['postgres', 'postgres18'] as const) {
  describeWithTool(name, name, (programs) => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await PostgresServer.start((programs as Record<string, string>)[name] ?? '');
    });
    afterAll(() => server.end());

    const open = async (): Promise<Opened> => {
      const store = await openTracking(await server.database(), { artifacts: path.join(server.folder, 'artifacts') });
      return { store, close: () => store.close() };
    };
    trackingContract(name, open);
    ownerContract(name, open);
    traceContract(name, open);
    webhookContract(name, open);
    trafficContract(name, open);
    authContract(name, open);
    searchContract(name, open, 8);
  });
}
