import type { IncomingMessage } from 'node:http';

import { withoutTrailing } from '../../base/index.ts';
import type { TransferOptions } from '../port/blob-store.ts';
import { s3Credentials } from './credentials.ts';
import { pause } from '../port/pause.ts';
import { explainS3Error, mayPass, S3Failure } from './errors.ts';
import type { S3Settings } from './settings.ts';
import { escapePath, queryOf, s3Signer, signAddress } from './signature.ts';
import { element, parseXml, type XmlElement } from './xml.ts';
import { webTransport, type WebTransport } from '../web/transport.ts';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Without one the request is to the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array;
}

/** Signed requests to one bucket. */
export interface S3Wire {
  /** A good answer, body unread. Every failure is an `MlopsError`. */
  send(request: S3Request, options?: TransferOptions): Promise<IncomingMessage>;
  /** The head of a good answer; its body, if there is one, is read to the end, so that the connection is free again. */
  head(request: S3Request, options?: TransferOptions): Promise<IncomingMessage>;
  /** The outermost element of a good answer, whose name is `root`. */
  xml(request: S3Request, root: string, options?: TransferOptions): Promise<XmlElement>;
  /** An address at which anybody can make the request for some seconds. */
  address(request: Omit<S3Request, 'headers' | 'body'>, seconds: number): Promise<string>;
  close(): void;
}

/** Tries of one request; the retrying wrapper around the store has its own. */
const attempts = 3;

/** Failures in a row, over all requests, after which each is tried once: nobody is there, or wants no more. */
const patience = 64;

/** Of a good answer: a thousand names of a thousand characters, escaped, with all that is told of them. */
const maxAnswer = 32 * 1024 * 1024;

/** Of an answer that is an error; more is no error of S3. */
const maxErrorText = 64 * 1024;

export function s3Wire(settings: S3Settings, env: Readonly<Record<string, string | undefined>>): S3Wire {
  const transport = webTransport({ ...settings, sockets: 128 }, env);
  const { send: sendOnce, address } = sender(settings, transport);
  let failures = 0;
  const repeat = async <T>(
    request: S3Request,
    options: TransferOptions | undefined,
    take: (answer: IncomingMessage) => T | Promise<T>,
  ): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await take(await sendOnce(request, options?.signal));
        failures = 0;
        return result;
      } catch (error) {
        options?.signal?.throwIfAborted();
        failures++;
        if (attempt >= attempts || failures > patience || !mayPass(error))
          throw explainS3Error(error, request.key, settings);
        await pause(100 * 2 ** attempt, options?.signal);
      }
    }
  };
  return {
    send: (request, options) => repeat(request, options, (answer) => answer),
    head: (request, options) => repeat(request, options, drained),
    xml: (request, root, options) =>
      repeat(request, options, async (answer) => {
        const text = await textOf(answer, maxAnswer);
        const found = parseXml(text);
        // Long work is answered with 200 before it has failed.
        if (found?.name !== root) throw failureOf(answer, text, '');
        return found;
      }),
    address,
    close: () => transport.close(),
  };
}

/** Sends a request; again, where the answer tells of another region or of another time than the machine's. */
function sender(
  settings: S3Settings,
  transport: WebTransport,
): {
  readonly send: (request: S3Request, signal: AbortSignal | undefined) => Promise<IncomingMessage>;
  readonly address: S3Wire['address'];
} {
  const sign = s3Signer();
  const credentials = s3Credentials(settings, transport);
  let place = placeOf(settings, settings.region ?? 'us-east-1');
  let clockOffset = 0;
  const attempt = async (request: S3Request, signal: AbortSignal | undefined): Promise<IncomingMessage> => {
    const found = credentials();
    const keys = found instanceof Promise ? await found : found;
    const path = place.path + (request.key === undefined ? '' : `/${escapePath(request.key)}`);
    const query = request.query === undefined ? '' : queryOf(request.query);
    const { method, headers = {}, body } = request;
    const { origin, region } = place;
    const now = new Date(Date.now() + clockOffset);
    const signable = { method, host: origin.host, path: path === '' ? '/' : path, query, headers, body };
    const signed = keys === undefined ? { ...headers } : sign(signable, keys, region, now);
    signed['accept-encoding'] = 'identity';
    const target = query === '' ? signable.path : `${signable.path}?${query}`;
    return transport.send({ method, origin, path: target, headers: signed, body }, signal);
  };
  const address: S3Wire['address'] = async ({ method, key, query = {} }, seconds) => {
    const keys = await credentials();
    const { origin, region } = place;
    const path = place.path + (key === undefined ? '' : `/${escapePath(key)}`);
    const date = new Date(Date.now() + clockOffset);
    const signed =
      keys === undefined
        ? queryOf(query)
        : signAddress({ method, host: origin.host, path, query }, { keys, region, date, seconds });
    return `${origin.origin}${path}${signed === '' ? '' : `?${signed}`}`;
  };
  const send = async (request: S3Request, signal: AbortSignal | undefined): Promise<IncomingMessage> => {
    for (let corrections = 0; ; corrections++) {
      const { region } = place;
      const offset = clockOffset;
      const answer = await attempt(request, signal);
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) return answer;
      const text = request.method === 'HEAD' ? (answer.resume(), '') : await textOf(answer, maxErrorText);
      const failure = failureOf(answer, text, transport.through(place.origin));
      if (corrections === 3) throw failure;
      if (failure.region !== undefined && failure.region !== region) {
        place = placeOf(settings, failure.region);
      } else {
        const skew = skewOf(answer);
        const refused = failure.code === 'RequestTimeTooSkewed' || (status === 403 && request.method === 'HEAD');
        if (!refused || skew === undefined || Math.abs(skew - offset) < 60_000) throw failure;
        clockOffset = skew;
      }
    }
  };
  return { send, address };
}

interface Place {
  readonly origin: URL;
  /** Of the bucket, escaped, without a slash at the end. */
  readonly path: string;
  readonly region: string;
}

/** Where the bucket is: below the endpoint, or at Amazon's address of the region. */
function placeOf(settings: S3Settings, region: string): Place {
  const { bucket } = settings;
  const server = new URL(settings.endpoint ?? amazonOf(region, settings));
  const base = withoutTrailing(server.pathname, '/');
  const inHost = !settings.pathStyle && /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket);
  if (!inHost) return { origin: server, path: `${base}/${escapePath(bucket)}`, region };
  return { origin: new URL(`${server.protocol}//${bucket}.${server.host}`), path: base, region };
}

/** Of the regions outside the common partition, by how their names start. */
const suffixes = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
] as const;

function amazonOf(region: string, { insecure, fips, dualStack }: S3Settings): string {
  const suffix = suffixes.find(([start]) => region.startsWith(start))?.[1] ?? 'amazonaws.com';
  const service = `s3${fips ? '-fips' : ''}${dualStack ? '.dualstack' : ''}`;
  return `${insecure ? 'http' : 'https'}://${service}.${region}.${suffix}`;
}

function failureOf(answer: IncomingMessage, text: string, through: string): S3Failure {
  const found = parseXml(text);
  const error = found?.name === 'Error' ? found : undefined;
  const inHeader = answer.headers['x-amz-bucket-region'];
  return new S3Failure({
    status: answer.statusCode ?? 0,
    statusText: answer.statusMessage ?? '',
    code: error && element(error, 'Code'),
    message: error && element(error, 'Message'),
    region: typeof inHeader === 'string' ? inHeader : error && element(error, 'Region'),
    location: answer.headers.location,
    text,
    through,
  });
}

/** Milliseconds by which the server's clock is ahead of the machine's. */
function skewOf(answer: IncomingMessage): number | undefined {
  const time = Date.parse(answer.headers.date ?? '');
  return Number.isNaN(time) ? undefined : time - Date.now();
}

/** What the head says counts, also when the rest breaks off. */
function drained(answer: IncomingMessage): Promise<IncomingMessage> {
  return new Promise((resolve) => {
    answer.once('error', () => resolve(answer));
    answer.once('close', () => resolve(answer));
    answer.once('end', () => resolve(answer));
    answer.resume();
  });
}

/** @throws what Node throws when the body breaks off. */
async function textOf(answer: IncomingMessage, atMost = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > atMost) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
