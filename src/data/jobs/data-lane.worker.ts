import { parentPort } from 'node:worker_threads';

import { runJob } from './run-job.ts';
import { stopMark, type LaneMessage, type LaneWork } from './lane-work.ts';

/** A lane beside the main thread: takes jobs by the shared counter until none is left. */
async function run({ jobs, next }: LaneWork): Promise<void> {
  const cursor = new Int32Array(next);
  const cancelled = (): boolean => Atomics.load(cursor, 0) >= jobs.length + stopMark;
  for (;;) {
    const index = Atomics.add(cursor, 0, 1);
    const job = jobs[index];
    if (job === undefined) break;
    const result = await runJob(
      job,
      cancelled,
      throttled((moved) => send({ index, moved }, [])),
    );
    send({ index, result }, [result.facts.buffer as ArrayBuffer]);
  }
  send('done', []);
}

/** Tells the main thread of progress no more often than a person can see. */
function throttled(tell: (bytes: number) => void): (bytes: number) => void {
  let waiting = 0;
  let toldAt = Date.now();
  return (bytes) => {
    waiting += bytes;
    if (Date.now() - toldAt < 50) return;
    tell(waiting);
    waiting = 0;
    toldAt = Date.now();
  };
}

function send(message: LaneMessage, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

// A failure is an unhandled rejection here, which the main thread receives as the worker's error.
parentPort?.on('message', (work: LaneWork) => void run(work));
