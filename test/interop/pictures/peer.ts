import { spawn } from 'node:child_process';
import * as path from 'node:path';
import * as readline from 'node:readline';

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
