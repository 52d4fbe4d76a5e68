import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

import { knownAlerts } from '../../app/alerting/monitor-facts.ts';
import { exportFiles } from '../../app/monitor/export.ts';
import { monitorReport } from '../../app/monitor/report.ts';
import { plural, writeFileAtomic } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { openInBrowser } from '../terminal/open-browser.ts';
import { logOf, selectionFlags } from './monitor-input.ts';
import { bucketFlags, positiveFlag, windowOf } from './monitor-stats.ts';

const flags = [...selectionFlags, ...bucketFlags, positiveFlag];

export const exportCommand: Command = {
  name: 'monitor export',
  owner: 'mlops',
  summary: 'Write statistics, performance and alerts as JSON files',
  description:
    'Writes predictions_history.json (what `monitor stats` prints), performance_metrics.json (what `monitor performance` prints) and alerts/ID.json, an alert each. Each file is replaced whole. `export: .monitoring` in monitor.yaml keeps them current at each look of `monitor watch`.',
  examples: [['mlops monitor export .monitoring', 'for scripts that read these files']],
  args: [{ name: 'dir', summary: 'made when absent', completes: 'path' }],
  flags,
  async run(input, terminal) {
    const [directory = ''] = input.args;
    const alerts = await knownAlerts(terminal.cwd, terminal.env);
    const files = await exportFiles(logOf(input, terminal), path.resolve(terminal.cwd, directory), {
      selection: windowOf(input),
      performance: { positive: input.text('positive') },
      alerts: alerts.filter(({ state }) => state !== 'pending'),
    });
    if (input.on('json')) return terminal.json({ directory: path.resolve(terminal.cwd, directory), files });
    terminal.note(`wrote ${plural(files.length, 'file')} to ${directory}`);
  },
};

export const reportCommand: Command = {
  name: 'monitor report',
  owner: 'mlops',
  summary: 'Write one page with plots of what was predicted, how fast and how well',
  examples: [['mlops monitor report --since 7d --open', 'the last week, in the browser']],
  args: [{ name: 'file', summary: 'the page (monitor.html)', optional: true, completes: 'path' }],
  flags: [...flags, { name: 'open', summary: 'open the page in the browser' }],
  async run(input, terminal) {
    const file = path.resolve(terminal.cwd, input.args[0] ?? 'monitor.html');
    const { page, ...report } = await monitorReport(logOf(input, terminal), {
      selection: windowOf(input),
      performance: { positive: input.text('positive') },
      now: Date.now(),
    });
    writeFileAtomic(file, page);
    if (input.on('json')) terminal.json({ file, ...report });
    else terminal.print(pathToFileURL(file).href);
    if (input.on('open')) openInBrowser(file, terminal);
  },
};
