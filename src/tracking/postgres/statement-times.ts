/** Statements that are told apart; all others are one. */
const most = 300;

interface Times {
  count: number;
  seconds: number;
  max: number;
}

/** How long the statements of a store take, each from when it is sent to its answer. */
export class StatementTimes {
  readonly #times = new Map<string, Times>();
  readonly #labels = new Map<string, string>();

  add(text: string, milliseconds: number): void {
    let label = this.#labels.get(text);
    if (label === undefined) {
      label = this.#labels.size < most ? labelOf(text) : 'other';
      if (this.#labels.size < most) this.#labels.set(text, label);
    }
    let times = this.#times.get(label);
    if (times === undefined) {
      times = { count: 0, seconds: 0, max: 0 };
      this.#times.set(label, times);
    }
    const seconds = milliseconds / 1000;
    times.count++;
    times.seconds += seconds;
    times.max = Math.max(times.max, seconds);
  }

  text(): string {
    const name = 'mlops_store_statement_seconds';
    const lines = [`# HELP ${name} Time of the statements of the store.`, `# TYPE ${name} summary`];
    for (const [label, { count, seconds }] of this.#times) {
      lines.push(`${name}_sum{statement="${label}"} ${seconds}`, `${name}_count{statement="${label}"} ${count}`);
    }
    lines.push(`# HELP ${name}_max Longest time of a statement.`, `# TYPE ${name}_max gauge`);
    for (const [label, { max }] of this.#times) lines.push(`${name}_max{statement="${label}"} ${max}`);
    return `${lines.join('\n')}\n`;
  }
}

/** What a statement does and to which table, `select runs`: its text would say more than a label may. */
function labelOf(text: string): string {
  const words = text.slice(0, 4000).toLowerCase();
  const verb = /^\s*(\w+)/.exec(words)?.[1] ?? 'other';
  const table = /\b(?:from|into|update)\s+([a-z_]+)/.exec(words)?.[1];
  return table === undefined ? verb : `${verb} ${table}`;
}
