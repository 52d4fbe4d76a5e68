// PNG files of 8 bits a channel, as `writePng` writes them: three channels, no filter, one block of data.
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** `pixels` are red, green and blue of each pixel, row by row, 0 to 255. */
export function writePng(path, width, height, pixels) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const lines = Buffer.alloc(height * (1 + width * 3));
  for (let row = 0; row < height; row++) {
    lines.set(pixels.slice(row * width * 3, (row + 1) * width * 3), row * (1 + width * 3) + 1);
  }
  const parts = [block('IHDR', header), block('IDAT', deflateSync(lines)), block('IEND', Buffer.alloc(0))];
  writeFileSync(path, Buffer.concat([SIGNATURE, ...parts]));
}

/** { width, height, pixels } of a file that `writePng` wrote. */
export function readPng(path) {
  const bytes = readFileSync(path);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const lines = inflateSync(bytes.subarray(41, 41 + bytes.readUInt32BE(33)));
  const rows = Array.from({ length: height }, (_, row) => {
    const start = row * (1 + width * 3);
    if (lines[start] !== 0) throw new Error(`${path}: it has filters, which this project's pictures do not`);
    return lines.subarray(start + 1, start + 1 + width * 3);
  });
  return { width, height, pixels: Buffer.concat(rows) };
}

function block(name, data) {
  const content = Buffer.concat([Buffer.from(name), data]);
  const edges = [Buffer.alloc(4), Buffer.alloc(4)];
  edges[0].writeUInt32BE(data.length);
  edges[1].writeUInt32BE(crc32(content));
  return Buffer.concat([edges[0], content, edges[1]]);
}
