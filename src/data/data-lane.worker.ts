import { parentPort, workerData } from 'node:worker_threads';

import { runJob } from './jobs.ts';
import { stopMark, type LaneInput, type LaneMessage } from './lanes.ts';

/** A lane beside the main thread: takes jobs by the shared counter until none is left. */
async function run({ jobs, next }: LaneInput): Promise<void> {
  const cursor = new Int32Array(next);
  const cancelled = (): boolean => Atomics.load(cursor, 0) >= jobs.length + stopMark;
  for (;;) {
    const index = Atomics.add(cursor, 0, 1);
    const job = jobs[index];
    if (job === undefined) break;
    const result = await runJob(job, cancelled);
    const message: LaneMessage = { index, result };
    parentPort?.postMessage(message, [message.result.facts.buffer as ArrayBuffer]);
  }
}

// A failure is an unhandled rejection here, which the main thread receives as the worker's error.
void run(workerData as LaneInput);
