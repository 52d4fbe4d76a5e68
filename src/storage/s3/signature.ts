import { createHash, createHmac } from 'node:crypto';

/** An access key of S3, for a time where it has a token. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignableRequest {
  readonly method: string;
  readonly host: string;
  /** Escaped with `escapePath`. */
  readonly path: string;
  /** Made with `queryOf`. */
  readonly query: string;
  /** Names in lower case; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

/** A request that is signed in its address: whoever has the address may make it, until the time is over. */
export type AddressSigner = (
  request: Pick<SignableRequest, 'method' | 'host' | 'path'> & {
    readonly query: Readonly<Record<string, string | undefined>>;
  },
  place: { readonly keys: S3Keys; readonly region: string; readonly date: Date; readonly seconds: number },
) => string;

export type Signer = (request: SignableRequest, keys: S3Keys, region: string, date: Date) => Record<string, string>;

const emptyHash = createHash('sha256').digest('hex');

/**
 * AWS signature version 4 for S3, body included: the server refuses a body that is not what was signed. The
 * signer keeps the key of the day, which is half of the work.
 * @returns the headers to send: those of the request, and what signs them.
 */
export function s3Signer(): Signer {
  let kept: { readonly of: string; readonly key: Buffer } | undefined;
  return (request, keys, region, date) => {
    const time = timeOf(date);
    const day = time.slice(0, 8);
    const of = `${keys.secretAccessKey} ${day} ${region}`;
    if (kept?.of !== of) kept = { of, key: signingKey(keys.secretAccessKey, day, region) };
    const bodyHash = request.body === undefined ? emptyHash : sha256(request.body);
    const headers: Record<string, string> = { ...request.headers };
    headers['host'] = request.host;
    headers['x-amz-content-sha256'] = bodyHash;
    headers['x-amz-date'] = time;
    if (keys.sessionToken !== undefined) headers['x-amz-security-token'] = keys.sessionToken;
    const names = Object.keys(headers).sort();
    const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`).join('');
    const signedNames = names.join(';');
    const canonical = [request.method, request.path, request.query, lines, signedNames, bodyHash].join('\n');
    const scope = `${day}/${region}/s3/aws4_request`;
    const signature = hmac(kept.key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`).toString('hex');
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return headers;
  };
}

/**
 * AWS signature version 4 in the query: the body is not signed, and no header but Host.
 *
 * @returns the whole query.
 */
export const signAddress: AddressSigner = ({ method, host, path, query }, { keys, region, date, seconds }) => {
  const time = timeOf(date);
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const unsigned = queryOf({
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${keys.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    'X-Amz-Security-Token': keys.sessionToken,
    'X-Amz-SignedHeaders': 'host',
  });
  const canonical = [method, path, unsigned, `host:${host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const key = signingKey(keys.secretAccessKey, day, region);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`).toString('hex');
  return `${unsigned}&X-Amz-Signature=${signature}`;
};

function timeOf(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Segments escaped as S3 signs them, slashes kept. */
export function escapePath(path: string): string {
  return /^[\w/.~-]*$/.test(path) ? path : path.split('/').map(escape).join('/');
}

/** Sorted by name, as it is signed. */
export function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${escape(name)}=${escape(value)}`],
  );
  return pairs.sort().join('&');
}

function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function signingKey(secret: string, day: string, region: string): Buffer {
  return [day, region, 's3', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
