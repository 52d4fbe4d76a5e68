import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { afterAll, beforeAll, expect } from 'vitest';

import { FolderSource, type RunningServer } from '../../../src/serve/index.ts';
import { startServer } from '../../support/serving.ts';
import { exchangeWorker } from '../../support/worker.ts';

export interface Packed {
  readonly shape: readonly number[];
  readonly data: string;
}

/** A Python that answers lines of JSON, see `peer.py`. */
export interface Peer {
  ask<Answer>(act: string, about?: Readonly<Record<string, unknown>>): Promise<Answer>;
  close(): void;
}

export function startPeer(python: string): Peer {
  const child = spawn(python, [path.join(import.meta.dirname, 'peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (question: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the Python side ended');
    const answer = JSON.parse(value) as { failed?: string };
    if (answer.failed !== undefined) throw new Error(answer.failed);
    return answer;
  };
  return {
    ask: <Answer>(act: string, about = {}) => {
      const next = last.then(() => ask({ act, ...about }));
      last = next.catch(() => undefined);
      return next as Promise<Answer>;
    },
    close: () => child.stdin.end(),
  };
}

/**
 * For a suite: a Python beside a server of the models in a folder, which `fill` has put there; both end with the suite.
 * `server` gives it once the suite has begun.
 */
export function serveBesidePeer(
  python: string,
  fill: () => Promise<void>,
): { readonly peer: Peer; readonly dir: string; readonly server: () => RunningServer } {
  const peer = startPeer(python);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pictures-'));
  let server: RunningServer;
  beforeAll(async () => {
    await fill();
    const exchange = await exchangeWorker();
    server = await startServer(FolderSource.directory(dir), { exchange: { file: () => exchange } });
    expect(server.failures).toEqual([]);
  }, 120_000);
  afterAll(async () => {
    await server.close(2_000);
    peer.close();
    fs.rmSync(dir, { recursive: true });
  });
  return { peer, dir, server: () => server };
}

export function bytesOf({ data }: Packed): Uint8Array {
  return new Uint8Array(Buffer.from(data, 'base64'));
}

/** The greatest difference between two pictures' values. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
