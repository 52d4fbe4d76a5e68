import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { toPng } from './png.ts';

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Pixels that are darker than the middle. */
  readonly dark: number;
}

/** Enough of PNG for 8 bits of red, green, blue and alpha, whose rows may be filtered (RFC 2083). */
function read(png: Uint8Array): Picture {
  const bytes = Buffer.from(png);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  expect([bytes[24], bytes[25]]).toEqual([8, 6]);
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length));
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * 4;
  let above = new Uint8Array(stride);
  let dark = 0;
  for (let y = 0; y < height; y++) {
    const row = Uint8Array.from(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let x = 0; x < stride; x++) {
      const [a, b, c] = [row[x - 4] ?? 0, above[x] ?? 0, above[x - 4] ?? 0];
      row[x] = (row[x] ?? 0) + predicted(raw[y * (stride + 1)] ?? 0, a, b, c);
    }
    for (let x = 0; x < stride; x += 4) if ((row[x] ?? 255) < 128) dark++;
    above = row;
  }
  return { width, height, dark };
}

function predicted(filter: number, a: number, b: number, c: number): number {
  if (filter < 4) return [0, a, b, (a + b) >> 1][filter] ?? 0;
  const [da, db, dc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return da <= db && da <= dc ? a : db <= dc ? b : c;
}

const svg = (inner: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 100 40" width="100" height="40"><style>svg.plot{font:11px system-ui,sans-serif}</style><rect fill="#fff" width="100%" height="100%"/>${inner}</svg>`;

describe('a picture of a drawing', () => {
  it('has two pixels for each of the drawing, of its colors', async () => {
    const half = read(await toPng(svg('<rect fill="#000" width="50" height="40"/>')));
    expect(half).toEqual({ width: 200, height: 80, dark: 100 * 80 });
  });

  it('has letters without a font of the machine, of other scripts too', async () => {
    for (const text of ['loss', 'Größe', 'λ → ∞', 'точность']) {
      expect(read(await toPng(svg(`<text x="5" y="20">${text}</text>`))).dark, text).toBeGreaterThan(60);
    }
    expect(read(await toPng(svg('<text x="5" y="20"> </text>'))).dark).toBe(0);
  });
});
