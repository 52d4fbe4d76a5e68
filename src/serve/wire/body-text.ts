import { isUtf8 } from 'node:buffer';

import { MlopsError } from '../../base/index.ts';

/**
 * The text of a body: in UTF-8, or in the charset that its content type names. Bytes that do not fit are refused: a
 * replaced character would be answered as if the client had sent it (RFC 8259, 8.1).
 *
 * @throws MlopsError `bad_request` with the offset of the first byte that does not fit, `unsupported_media`.
 */
export function textOf(body: Buffer, contentType?: string): string {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]{1,40})/i.exec(contentType ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (/^(utf-?8|us-ascii|ascii)$/.test(charset)) {
    if (isUtf8(body)) return body.toString('utf8');
    throw new MlopsError('bad_request', `the body is not UTF-8 from byte ${firstWrongByte(body)} on`, {
      hint: 'send UTF-8, or name the charset in Content-Type: `application/json; charset=iso-8859-1`',
    });
  }
  // The web takes this name for another one, which differs in 32 characters.
  if (/^(iso-?8859-?1|latin-?1|l1)$/.test(charset)) return body.toString('latin1');
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(charset, { fatal: true });
  } catch (error) {
    throw new MlopsError('unsupported_media', `the charset '${charset}' is not supported`, { cause: error });
  }
  try {
    return decoder.decode(body);
  } catch (error) {
    throw new MlopsError('bad_request', `the body is not ${charset}, as its content type says`, { cause: error });
  }
}

/** What a content type says without its parameters; '' where there is none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The text of a string in a binary body, or the place of its first byte that is no UTF-8. */
export function strictUtf8(bytes: Buffer): string | number {
  return isUtf8(bytes) ? bytes.toString('utf8') : firstWrongByte(bytes);
}

/** Where the first replaced character stands; one that the body itself holds (EF BF BD) is none. */
function firstWrongByte(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  let offset = 0;
  for (let from = 0; ;) {
    const at = text.indexOf('\ufffd', from);
    if (at < 0) return bytes.length;
    offset += Buffer.byteLength(text.slice(from, at));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset;
    offset += 3;
    from = at + 1;
  }
}
