import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';

import { hostOf, isPublicAddress, publicLookup, refused } from './address.ts';

export interface PostOptions {
  /** Milliseconds for the whole attempt: a receiver that trickles its answer holds no place for ever. */
  readonly timeout: number;
  /** Allows this machine and private networks. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PostAnswer {
  readonly status: number;
  /** Its beginning. */
  readonly body: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
}

const longestBody = 64 * 1024;
const worthRepeating = new Set([429, 500, 502, 503, 504]);

/** Statuses after which the same request may go through later. */
export function isWorthRepeating(status: number): boolean {
  return worthRepeating.has(status);
}

/** One POST. Redirects are not followed: they could lead to where the URL itself may not. */
export function httpPost(
  address: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  { timeout, allowPrivate, signal }: PostOptions,
): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const host = hostOf(url);
    // A literal address is dialled without a lookup.
    if (!allowPrivate && net.isIP(host) !== 0 && !isPublicAddress(host)) {
      reject(refused(host));
      return;
    }
    const { request } = url.protocol === 'https:' ? https : http;
    const sent = request(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
        agent: false,
        ...(signal === undefined ? {} : { signal }),
        ...(allowPrivate ? {} : { lookup: publicLookup }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const finish = (): void => {
          const retryAfter = Number(response.headers['retry-after']);
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8').slice(0, longestBody),
            retryAfter: Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined,
          });
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size < longestBody) return;
          finish();
          sent.destroy();
        });
        response.on('end', finish);
        response.on('error', reject);
      },
    );
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeout} ms`)), timeout).unref();
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', reject);
    sent.end(body);
  });
}
