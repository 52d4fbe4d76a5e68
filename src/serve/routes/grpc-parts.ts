import { randomBytes } from 'node:crypto';

import type { Logger } from '../../base/index.ts';
import type { AccessEntry, Verifier } from '../../http/index.ts';
import type { InferenceParts } from '../grpc/inference.ts';
import type { HttpCounts } from '../numbers/http-counts.ts';
import type { ServingContext } from './context.ts';

interface Around {
  readonly verify: Verifier | undefined;
  readonly onAccess: ((entry: AccessEntry) => void) | undefined;
  readonly http: HttpCounts;
  readonly log: Logger;
}

/** What calls of gRPC share with the routes of HTTP: all of it. Each is counted as `GRPC` with the status it would have there. */
export function grpcParts(context: ServingContext, { verify, onAccess, http, log }: Around): InferenceParts {
  const prefix = randomBytes(4).toString('hex');
  let calls = 0;
  const { repository, router, predictor, serverVersion } = context;
  return {
    ...{ repository, router, predictor, serverVersion, verify },
    get draining() {
      return context.draining;
    },
    ready: () => context.ready(),
    record: (prediction, request, rows) => context.record(prediction, request, rows),
    newId: () => `${prefix}-g${(++calls).toString(36)}`,
    answered: ({ id, path, failure, milliseconds, remote }) => {
      const status = failure?.status ?? 200;
      http.count('GRPC', status);
      onAccess?.({
        ...{ id, method: 'GRPC', path, status, milliseconds: Math.round(milliseconds * 1000) / 1000 },
        ...{ bytes: undefined, remote, caller: undefined, trace: undefined },
      });
    },
    bug: (text) => log.error(text),
  };
}
