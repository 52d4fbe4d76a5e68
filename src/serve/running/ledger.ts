import { VersionStats } from './stats.ts';

/** Where requests are counted. */
export interface Account {
  readonly model: string;
  readonly version: string;
  /** Of a traffic rule; undefined for requests that fell under none. */
  readonly arm: string | undefined;
  readonly stats: VersionStats;
}

/**
 * The numbers of all versions that were ever served, by model, version and arm. They stay when a version is unloaded,
 * so that counters never fall.
 */
export class Ledger {
  readonly #models = new Map<string, Map<string, Account[]>>();

  of(model: string, version: string, arm?: string): VersionStats {
    let versions = this.#models.get(model);
    if (versions === undefined) this.#models.set(model, (versions = new Map()));
    let accounts = versions.get(version);
    if (accounts === undefined) versions.set(version, (accounts = []));
    for (const account of accounts) if (account.arm === arm) return account.stats;
    const made = { model, version, arm, stats: new VersionStats() };
    accounts.push(made);
    return made.stats;
  }

  all(): Account[] {
    return [...this.#models.values()].flatMap((versions) => [...versions.values()].flat());
  }
}
