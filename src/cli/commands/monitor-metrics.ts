import * as path from 'node:path';

import { gaugesOf } from '../../app/alerting/monitor-facts.ts';
import { writeFileAtomic } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';

export const metricsCommand: Command = {
  name: 'monitor metrics',
  owner: 'mlops',
  summary: "Print drift, performance, data age and alerts as Prometheus' gauges",
  description:
    "What the last look of `monitor watch` found, and the alerts that are open. For node_exporter's textfile collector: the file is replaced whole. `/metrics` of `mlops serve` and `mlops server` has the same.",
  examples: [
    ['mlops monitor metrics', 'as /metrics has them'],
    ['mlops monitor metrics --out /var/lib/node_exporter/mlops.prom', 'for a textfile collector'],
  ],
  flags: [{ name: 'out', value: 'FILE', summary: 'write them here instead', completes: 'path' }],
  async run(input, terminal) {
    const text = await gaugesOf(terminal.cwd, terminal.env);
    const out = input.text('out');
    if (out === undefined) terminal.write(text);
    else writeFileAtomic(path.resolve(terminal.cwd, out), text, { mode: 0o644 });
  },
};
