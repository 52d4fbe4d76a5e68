import { createHash, randomBytes } from 'node:crypto';

/**
 * The `Authorization` header that answers a `WWW-Authenticate: Digest ...` challenge (RFC 7616), or undefined
 * when the challenge is of another kind or asks for what nobody uses (`auth-int` only, other hashes).
 */
export function answerDigest(
  challenge: string | undefined,
  request: { readonly method: string; readonly uri: string },
  login: { readonly user: string; readonly password: string },
): string | undefined {
  if (challenge === undefined || !/^digest\s/i.test(challenge)) return undefined;
  const values = parameters(challenge.slice(7));
  const { realm, nonce, opaque } = Object.fromEntries(values) as Record<string, string | undefined>;
  const algorithm = values.get('algorithm') ?? 'MD5';
  const hash = hashes[algorithm.toUpperCase().replace(/-SESS$/, '')];
  const offered = values
    .get('qop')
    ?.split(',')
    .map((name) => name.trim());
  if (realm === undefined || nonce === undefined || hash === undefined) return undefined;
  if (offered !== undefined && !offered.includes('auth')) return undefined;
  const digest = (text: string): string => createHash(hash).update(text).digest('hex');
  const cnonce = randomBytes(12).toString('hex');
  const count = '00000001';
  const plain = digest(`${login.user}:${realm}:${login.password}`);
  const first = /-sess$/i.test(algorithm) ? digest(`${plain}:${nonce}:${cnonce}`) : plain;
  const second = digest(`${request.method}:${request.uri}`);
  const response =
    offered === undefined
      ? digest(`${first}:${nonce}:${second}`)
      : digest(`${first}:${nonce}:${count}:${cnonce}:auth:${second}`);
  const parts = [
    `username="${login.user.replace(/["\\]/g, '\\$&')}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${request.uri}"`,
    `algorithm=${algorithm}`,
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
    ...(offered === undefined ? [] : ['qop=auth', `nc=${count}`, `cnonce="${cnonce}"`]),
  ];
  return `Digest ${parts.join(', ')}`;
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

function parameters(text: string): Map<string, string> {
  const found = text.matchAll(/(?<!\w)(\w+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s,]+))/g);
  return new Map([...found].map((m) => [(m[1] ?? '').toLowerCase(), m[2]?.replace(/\\(.)/g, '$1') ?? m[3] ?? '']));
}
