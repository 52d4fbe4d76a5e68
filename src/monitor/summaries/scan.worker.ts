/** The thread that scans segments while others are scanned elsewhere. Speaks `scan-apart.ts`. */
import { parentPort } from 'node:worker_threads';

import type { ScannedApart } from './scan-apart.ts';
import { scanSegments, type Part } from './scan-segment.ts';

let turn = Promise.resolve();

parentPort?.on('message', (part: Part) => {
  turn = turn.then(() => answer(part));
});

async function answer(part: Part): Promise<void> {
  const { summary, ids, to, repeated } = await scanSegments([part]);
  const scanned: ScannedApart = { state: summary.toState(), ids, to, repeated };
  parentPort?.postMessage(scanned, [ids.buffer as ArrayBuffer]);
}
