import * as fs from 'node:fs';

import { writeFileAtomic } from '../../base/index.ts';
import type { LookFacts, ModelFacts } from '../../monitor/index.ts';
import { privateFile } from '../../trust/index.ts';
import type { Looked } from '../monitor/observe.ts';

const fileName = 'monitor.json';

/** Keeps what a look found, for gauges: a server then need not compute it again. */
export function keepLook(folder: string, { stats, drift, performance }: Looked, now: number): void {
  const models = stats.map(({ model, predictions, errors, last }): ModelFacts => {
    const report = drift[model];
    const quality = performance[model];
    const columns = Object.entries(report?.columns ?? {})
      .map(([column, { method, statistic, drifted }]) => ({ column, method, statistic, drifted }))
      .sort((a, b) => Number(b.drifted) - Number(a.drifted));
    const metrics = Object.entries(quality?.metrics ?? {}).flatMap(([name, { value }]) =>
      value === null ? [] : [[name, value] as const],
    );
    return {
      ...{ model, predictions, errors, last },
      drift:
        report === undefined || report.verdict === 'too_few'
          ? null
          : { drifted: report.drifted, share: report.share_drifted, columns },
      performance: Object.fromEntries(metrics),
      labelled_share: quality?.labelled_share ?? null,
    };
  });
  const facts: LookFacts = { at: new Date(now).toISOString(), models };
  writeFileAtomic(privateFile(folder, fileName), JSON.stringify(facts), { mode: 0o600 });
}

/** What the last look found; undefined where nobody looked yet, or what is there is none. */
export function lastLook(folder: string): LookFacts | undefined {
  try {
    const facts = JSON.parse(fs.readFileSync(privateFile(folder, fileName), 'utf8')) as LookFacts;
    return typeof facts.at === 'string' && Array.isArray(facts.models) ? facts : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
