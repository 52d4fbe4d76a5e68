/** A BMP file of one row, each value its level of grey. */
export function bmp(levels: readonly number[]): Buffer {
  const row = Math.ceil((3 * levels.length) / 4) * 4;
  const head = Buffer.alloc(54 + row);
  head.write('BM');
  head.writeUInt32LE(54 + row, 2);
  head.writeUInt32LE(54, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(levels.length, 18);
  head.writeInt32LE(1, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  for (const [i, level] of levels.entries()) head.fill(level, 54 + 3 * i, 57 + 3 * i);
  return head;
}
