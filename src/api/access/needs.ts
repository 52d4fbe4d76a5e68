import { AsyncLocalStorage } from 'node:async_hooks';

import type { Action, Caller, Doorkeeper, Requirement } from '../../auth/index.ts';
import { isMlopsError, MlopsError } from '../../base/index.ts';

/** Who calls, from the moment that a request is understood until it is answered. */
export const callers: AsyncLocalStorage<Caller> = new AsyncLocalStorage();

/** Where a resource of an experiment is asked for: what is granted on all of its kind decides, else the experiment. */
export type Tier = 'run' | 'trace' | 'assessment' | 'logged_model' | 'scorer' | 'scorer_version' | 'review_queue';

export function denied(): MlopsError {
  // Plain text, as MLflow's server has it.
  return new MlopsError('forbidden', 'Permission denied', { data: { plain: 'Permission denied' } });
}

export function caller(): Caller {
  const found = callers.getStore();
  // Work that nobody asked for does not come this way.
  if (found === undefined) throw denied();
  return found;
}

export function isAdmin(): boolean {
  return caller().user.isAdmin;
}

/** Asks the doorkeeper about the caller of this request. */
export class Gate {
  readonly #door: Doorkeeper;

  constructor(door: Doorkeeper) {
    this.#door = door;
  }

  may(...requirements: readonly Requirement[]): boolean {
    return this.#door.may(caller(), requirements);
  }

  /** @throws MlopsError `forbidden`. */
  need(...requirements: readonly Requirement[]): void {
    if (!this.may(...requirements)) throw denied();
  }

  canRead(type: string, id: string): boolean {
    return this.may({ type, id, action: 'read', inherits: [{ type: 'workspace', id: '*' }] });
  }

  /** Whether nothing of a type is kept from the caller. */
  readsAll(type: string): boolean {
    const { user, grants } = caller();
    const kept = grants.some(({ resourceType, permission }) => resourceType === type && permission === 'DENY');
    return user.isAdmin || (!kept && this.may({ type, id: '*', action: 'read' }));
  }

  /** What the caller made is theirs. */
  async own(resourceType: string, resourcePattern: string): Promise<void> {
    await this.#door.grant(caller().user.id, { resourceType, resourcePattern, permission: 'MANAGE' });
  }

  async gone(resourceType: string, resourcePattern: string, renamed?: string): Promise<void> {
    await this.#door.changed(this.#door.store.moveGrants(resourceType, resourcePattern, renamed));
  }
}

export function ofExperiment(id: string, action: Action): Requirement {
  return { type: 'experiment', id, action };
}

/** What is asked of something that lies in an experiment (`_run_requirement` and its like). */
export function inExperiment(tier: Tier, id: string, action: Action): readonly Requirement[] {
  return [ofExperiment(id, 'read'), { type: tier, id: '*', action, inherits: [{ type: 'experiment', id }] }];
}

/** A new thing in an experiment. */
export function newIn(tier: Tier, id: string): readonly Requirement[] {
  return [ofExperiment(id, 'update'), { type: tier, id: '*', action: 'not_denied' }];
}

/** What is not there is not to be told from what is forbidden. */
export async function orDenied<Value>(found: Promise<Value>): Promise<Value> {
  try {
    return await found;
  } catch (error) {
    throw isMlopsError(error, 'resource_missing') && !isAdmin() ? denied() : error;
  }
}
