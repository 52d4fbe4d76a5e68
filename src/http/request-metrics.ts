/** Upper bounds in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

/** Counts of the requests of a server, in the names that exporters for Prometheus commonly use. */
export class RequestMetrics {
  readonly #counts = new Map<string, number>();
  readonly #buckets: number[] = bounds.map(() => 0);
  #seconds = 0;
  #total = 0;
  #underWay = 0;
  #refused = 0;

  get underWay(): number {
    return this.#underWay;
  }

  begin(): void {
    this.#underWay++;
  }

  end(method: string, status: number, milliseconds: number): void {
    this.#underWay--;
    const labels = `method="${method}",status="${status}"`;
    this.#counts.set(labels, (this.#counts.get(labels) ?? 0) + 1);
    const seconds = milliseconds / 1000;
    this.#seconds += seconds;
    this.#total++;
    if (status === 429) this.#refused++;
    const bucket = bounds.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  /** @param connections open at the moment. */
  text(connections: number): string {
    const lines = [
      ...head('http_requests_total', 'counter', 'Requests that were answered.'),
      ...[...this.#counts].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
      ...head('http_request_duration_seconds', 'histogram', 'Time from a request to the end of its answer.'),
    ];
    let below = 0;
    for (const [i, bound] of bounds.entries()) {
      below += this.#buckets[i] ?? 0;
      lines.push(`http_request_duration_seconds_bucket{le="${bound}"} ${below}`);
    }
    lines.push(
      `http_request_duration_seconds_bucket{le="+Inf"} ${this.#total}`,
      `http_request_duration_seconds_sum ${this.#seconds}`,
      `http_request_duration_seconds_count ${this.#total}`,
      ...gauge('http_requests_in_progress', 'Requests under way.', this.#underWay),
      ...gauge('http_connections', 'Open connections.', connections),
      ...head('http_requests_limited_total', 'counter', 'Requests that came faster than they may.'),
      `http_requests_limited_total ${this.#refused}`,
    );
    return `${lines.join('\n')}\n`;
  }
}

function head(name: string, type: string, help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function gauge(name: string, help: string, value: number): readonly string[] {
  return [...head(name, 'gauge', help), `${name} ${value}`];
}
