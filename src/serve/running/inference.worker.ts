/**
 * The thread in which models are loaded and run: onnxruntime-node computes synchronously, so it would stop every
 * answer of the server's own thread. Speaks the messages of `worker-messages.ts`.
 */
import { parentPort } from 'node:worker_threads';

import { isMlopsError, messageOf } from '../../base/index.ts';
import { buffersOf, hasPacked, packTexts, unpackTexts } from '../wire/packed-texts.ts';
import { Sessions } from './sessions.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

const sessions = new Sessions();

parentPort?.on('message', (message: ToWorker) => {
  void handle(message);
});

async function handle(message: ToWorker): Promise<void> {
  try {
    if (message.kind === 'load') answer({ id: message.id, ...(await sessions.load(message)) });
    else if (message.kind === 'run') await run(message);
    else if (message.kind === 'close') await close();
    else {
      await sessions.release(message.session);
      answer({ id: message.id });
    }
  } catch (error) {
    const code = isMlopsError(error) ? error.code : undefined;
    answer({ id: message.id, error: { message: messageOf(error), code } });
  }
}

async function close(): Promise<void> {
  await sessions.close();
  parentPort?.close();
}

function answer(message: FromWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(message);
}

async function run({ id, session, feeds, fetches }: Extract<ToWorker, { kind: 'run' }>): Promise<void> {
  // Who hands texts over packed takes them so.
  const packed = hasPacked(feeds);
  const { outputs, milliseconds } = await sessions.run(session, packed ? unpackTexts(feeds) : feeds, fetches);
  if (packed) {
    const handed = packTexts(outputs);
    parentPort?.postMessage({ id, outputs: handed, milliseconds } satisfies FromWorker, buffersOf(handed));
    return;
  }
  const transfer: ArrayBuffer[] = [];
  for (const name in outputs) {
    const data = outputs[name]?.data;
    if (data !== undefined && !Array.isArray(data) && data.byteLength > 16_384)
      transfer.push(data.buffer as ArrayBuffer);
  }
  parentPort?.postMessage({ id, outputs, milliseconds } satisfies FromWorker, transfer);
}
