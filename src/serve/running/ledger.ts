import { VersionStats } from './stats.ts';

/** Where requests are counted. */
export interface Account {
  readonly model: string;
  readonly version: string;
  /** Of a traffic rule; undefined for requests that fell under none. */
  readonly arm: string | undefined;
  /** The rule that the arm is of; undefined for those of long ago, together. */
  readonly rule: number | undefined;
  readonly stats: VersionStats;
}

/** So many rules of a version are counted apart; those before are one. */
const mostRules = 16;

/**
 * The numbers of all versions that were ever served, by model, version, arm and rule. They stay when a version is
 * unloaded, so that counters never fall.
 */
export class Ledger {
  readonly #models = new Map<string, Map<string, Account[]>>();

  of(model: string, version: string, arm?: string, rule?: number): VersionStats {
    const accounts = this.#accountsOf(model, version);
    for (const account of accounts) if (account.arm === arm && account.rule === rule) return account.stats;
    const made = { model, version, arm, rule, stats: new VersionStats() };
    accounts.push(made);
    if (rule !== undefined) this.#foldOldest(accounts);
    return made.stats;
  }

  #accountsOf(model: string, version: string): Account[] {
    let versions = this.#models.get(model);
    if (versions === undefined) this.#models.set(model, (versions = new Map()));
    let accounts = versions.get(version);
    if (accounts === undefined) versions.set(version, (accounts = []));
    return accounts;
  }

  /** Rules come and go; a server that runs for a year does not keep them all. */
  #foldOldest(accounts: Account[]): void {
    const ruled = accounts.filter(({ rule }) => rule !== undefined);
    const [oldest] = ruled;
    if (oldest === undefined || ruled.length <= mostRules) return;
    accounts.splice(accounts.indexOf(oldest), 1);
    this.of(oldest.model, oldest.version, oldest.arm).add(oldest.stats);
  }

  all(): Account[] {
    return [...this.#models.values()].flatMap((versions) => [...versions.values()].flat());
  }
}
