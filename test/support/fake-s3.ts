import type * as http from 'node:http';
import { expect, onTestFinished } from 'vitest';

import { isMlopsError } from '../../src/base/index.ts';
import { openStore, type BlobStore, type RemoteOptions } from '../../src/storage/index.ts';
import { answering, type Answer } from './answers.ts';

const secret = 'very-secret-key';

/** A store on a server of S3's protocol that answers as it likes. */
export async function storeOn(answer: Answer, options: RemoteOptions = {}): Promise<BlobStore> {
  return storeAt(await answering(answer), options);
}

export async function storeAt(endpointurl: string, options: RemoteOptions = {}): Promise<BlobStore> {
  const keys = { access_key_id: 'key', secret_access_key: secret };
  const store = await openStore('s3://bucket/p', { endpointurl, ...keys, ...options });
  onTestFinished(() => store.close());
  return store;
}

export function errorAnswer(response: http.ServerResponse, status: number, code: string, more = ''): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>Said ${code}</Message>${more}</Error>`);
}

/** What a call fails with; it must be one of our errors, with a hint, and hold no secret. */
export async function failure(
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<{ code: string; message: string; hint: string }> {
  const found: unknown = await (typeof work === 'function' ? work() : work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isMlopsError(found)) throw new Error(`not one of our errors: ${String(found)}`);
  expect(`${String(found)} ${found.hint} ${JSON.stringify(found.data)}`).not.toContain(secret);
  return { code: found.code, message: found.message, hint: found.hint ?? '' };
}
