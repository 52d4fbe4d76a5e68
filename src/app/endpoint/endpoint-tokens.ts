import { createHash, randomBytes } from 'node:crypto';

/** Tokens of a running command, each standing for the run that its holder's runs become children of. */
export interface EndpointTokens {
  readonly issue: (parentRunId: string) => string;
  readonly revoke: (token: string) => void;
  /** The parent run of a token; undefined for one that was never issued or is revoked. */
  readonly parentOf: (token: string) => string | undefined;
}

export function createTokens(): EndpointTokens {
  // Kept by digest: a look-up in a map then tells nothing about a token by its time.
  const parents = new Map<string, string>();
  return {
    issue(parentRunId) {
      const token = randomBytes(24).toString('base64url');
      parents.set(digest(token), parentRunId);
      return token;
    },
    revoke: (token) => void parents.delete(digest(token)),
    parentOf: (token) => parents.get(digest(token)),
  };
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
