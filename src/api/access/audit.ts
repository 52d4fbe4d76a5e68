import type { AuthStore } from '../../auth/index.ts';
import type { Logger } from '../../base/index.ts';
import type { Request } from '../../http/index.ts';
import { callers } from './needs.ts';

/** Writes lines of the audit log. What cannot be written there is told to the log of the server. */
export class Auditor {
  readonly #store: AuthStore;
  readonly #log: Logger;

  constructor(store: AuthStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  async done(request: Request, what: string, target: string, result: string, who?: string): Promise<void> {
    const by = who ?? callers.getStore()?.user.username ?? '';
    try {
      await this.#store.addAudit({ at: Date.now(), who: by, what, target, from: request.ip, result });
    } catch (error) {
      this.#log.error(`the audit log could not be written: ${String(error)}`);
    }
  }
}
