import * as os from 'node:os';

import { messageOf } from '../../base/index.ts';
import type { Metric } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';

interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** MLflow samples every ten seconds. */
const interval = 10_000;

/**
 * Logs the load of the machine under MLflow's names (`system/cpu_utilization_percentage`, ...) until stopped; the
 * first sample after a second, the last when stopping.
 *
 * @returns stops, and resolves when all is written.
 */
export function sampleSystem(
  store: TrackingStore,
  runId: string,
  onWarning: (message: string) => void,
): () => Promise<void> {
  let before = cpuTimes();
  let step = 0;
  let writing: Promise<void> = Promise.resolve();
  let broken = false;
  const write = async (earlier: Promise<void>, metrics: readonly Metric[]): Promise<void> => {
    await earlier;
    if (broken) return;
    try {
      await store.logBatch(runId, { metrics });
    } catch (error) {
      broken = true;
      onWarning(`system metrics are not recorded: ${messageOf(error)}`);
    }
  };
  const sample = (): void => {
    const now = cpuTimes();
    const metrics = metricsAt(before, now, step++);
    before = now;
    writing = write(writing, metrics);
  };
  const first = setTimeout(sample, 1000);
  const timer = setInterval(sample, interval);
  return async () => {
    clearTimeout(first);
    clearInterval(timer);
    sample();
    await writing;
  };
}

function metricsAt(before: CpuTimes, now: CpuTimes, step: number): Metric[] {
  const timestamp = Date.now();
  const used = os.totalmem() - os.freemem();
  const elapsed = now.total - before.total;
  const values: [string, number][] = [
    ['system/cpu_utilization_percentage', elapsed <= 0 ? 0 : (100 * (now.busy - before.busy)) / elapsed],
    ['system/system_memory_usage_megabytes', used / 1e6],
    ['system/system_memory_usage_percentage', (100 * used) / os.totalmem()],
  ];
  return values.map(([key, value]) => ({ key, value: Math.round(value * 10) / 10, timestamp, step }));
}

function cpuTimes(): CpuTimes {
  let busy = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle;
    busy += all - times.idle;
    total += all;
  }
  return { busy, total };
}
