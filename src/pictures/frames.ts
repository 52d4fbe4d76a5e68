import type { PictureFormat } from './formats.ts';

/**
 * How much decoding a file asks for beyond its size in pixels: the scans of a JPEG, each of which goes over all
 * pixels, and the frames or pages of the others. Read from the markers alone, without decoding; 1 where there is
 * nothing to count.
 */
export function countParts(bytes: Uint8Array, format: PictureFormat): { scans: number; frames: number } {
  switch (format) {
    case 'jpeg':
      return { scans: jpegScans(bytes), frames: 1 };
    case 'webp':
      return { scans: 1, frames: webpFrames(bytes) };
    case 'tiff':
      return { scans: 1, frames: tiffPages(bytes) };
    default:
      return { scans: 1, frames: 1 };
  }
}

function jpegScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = bytes.indexOf(0xff, 2);
  while (at >= 0 && at + 3 < bytes.length) {
    const marker = bytes[at + 1] ?? 0;
    // Fill bytes, stuffed bytes, restarts and the start of an image stand alone.
    if (marker === 0xd9) break;
    if (marker === 0xda) scans++;
    const alone = marker === 0xff || marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8);
    const length = alone ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2 + length);
  }
  return Math.max(1, scans);
}

function webpFrames(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let frames = 0;
  for (let at = 12; at + 8 <= bytes.length;) {
    if (view.getUint32(at) === 0x414e4d46) frames++;
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size & 1);
  }
  return Math.max(1, frames);
}

/** Pages of a TIFF; those of a BigTIFF are not counted. A chain that turns back ends there. */
function tiffPages(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = bytes[0] === 0x49;
  if (bytes.length < 8 || view.getUint16(2, little) !== 42) return 1;
  const seen = new Set<number>();
  let at = view.getUint32(4, little);
  while (at !== 0 && !seen.has(at) && at + 2 <= bytes.length) {
    seen.add(at);
    const next = at + 2 + 12 * view.getUint16(at, little);
    if (next + 4 > bytes.length) break;
    at = view.getUint32(next, little);
  }
  return Math.max(1, seen.size);
}
