import type { Verb } from '../parse/command.ts';
import { alertCommands } from './monitor-alerts.ts';
import { driftCommand } from './monitor-drift.ts';
import { exportCommand, reportCommand } from './monitor-export.ts';
import { labelCommand, logCommand } from './monitor-log.ts';
import { metricsCommand } from './monitor-metrics.ts';
import { watchCommand } from './monitor-watch.ts';
import { performanceCommand, statsCommand, statusCommand } from './monitor-stats.ts';

export const verb: Verb = {
  name: 'monitor',
  summary: 'Know that data or model went wrong',
  commands: [
    logCommand,
    labelCommand,
    statusCommand,
    statsCommand,
    performanceCommand,
    driftCommand,
    exportCommand,
    reportCommand,
    watchCommand,
    metricsCommand,
    ...alertCommands,
  ],
};
