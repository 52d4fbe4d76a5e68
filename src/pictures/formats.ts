import { badPicture } from './limits.ts';

export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'tiff';

/**
 * The format of a picture by its first bytes; neither a file name nor a content type counts.
 *
 * @throws MlopsError `bad_picture` for everything else, saying what it is where that is known.
 */
export function formatOf(bytes: Uint8Array): PictureFormat {
  const format = knownFormat(bytes);
  if (format !== undefined) return format;
  if (bytes.length === 0) throw badPicture('it is empty');
  throw badPicture(`it is ${whatElse(bytes)}, not a picture that is read here`);
}

/** The format of a picture by its first bytes; undefined where they are of none that is read here. */
export function knownFormat(bytes: Uint8Array): PictureFormat | undefined {
  if (starts(bytes, 0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  const head = latin(bytes, 0, 12);
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'webp';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif';
  if (head.startsWith('BM') && bytes.length >= 26 && isBmpHeader(bytes)) return 'bmp';
  if (starts(bytes, 0x49, 0x49, 0x2a, 0) || starts(bytes, 0x4d, 0x4d, 0, 0x2a)) return 'tiff';
  if (starts(bytes, 0x49, 0x49, 0x2b, 0) || starts(bytes, 0x4d, 0x4d, 0, 0x2b)) return 'tiff';
  return undefined;
}

/** Two letters are little: the size of the header that follows is one of a few. */
function isBmpHeader(bytes: Uint8Array): boolean {
  const size = (bytes[14] ?? 0) | ((bytes[15] ?? 0) << 8) | ((bytes[16] ?? 0) << 16) | ((bytes[17] ?? 0) << 24);
  return [12, 40, 52, 56, 64, 108, 124].includes(size);
}

/** True for what starts like a document or another format of pictures, which no JSON does. */
export function looksLikeFile(bytes: Uint8Array): boolean {
  return knownFormat(bytes) !== undefined || whatElse(bytes) !== unknown;
}

const unknown = 'something else';

function whatElse(bytes: Uint8Array): string {
  const text = latin(bytes, 0, 1024)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart()
    .toLowerCase();
  if (text.startsWith('%pdf')) return 'a PDF document';
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return 'an HTML page';
  if (text.startsWith('<svg') || (text.startsWith('<') && text.includes('<svg'))) return 'an SVG drawing';
  if (text.startsWith('<?xml') || text.startsWith('<!doctype')) return 'an XML document';
  const brand = latin(bytes, 4, 12);
  if (/^ftyp(?:avif|avis)/.test(brand)) return 'an AVIF picture';
  if (/^ftyp(?:heic|heix|mif1|msf1)/.test(brand)) return 'a HEIF picture';
  if (starts(bytes, 0xff, 0x0a) || latin(bytes, 4, 8) === 'JXL ') return 'a JPEG XL picture';
  if (starts(bytes, 0x50, 0x4b, 3, 4)) return 'a ZIP archive';
  if (starts(bytes, 0x1f, 0x8b)) return 'a gzip file';
  if (text.startsWith('8bps')) return 'a Photoshop document';
  return unknown;
}

function starts(bytes: Uint8Array, ...magic: readonly number[]): boolean {
  return magic.every((value, at) => bytes[at] === value);
}

function latin(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', from, to);
}
