// The pictures as numbers: 12 by 12 blocks of 2 by 2 pixels, channel by channel (as ONNX has them), less
// their usual mean over their usual spread.
import { readCsv } from './lib/csv.mjs';
import { readPng } from './png.mjs';

export const CLASSES = ['clear', 'mole', 'nevus', 'patch'];
export const SIZE = 12;
export const MEAN = 0.6;
export const SPREAD = 0.2;

/** [{ inputs: 3 * 12 * 12 numbers, name, box: [x, y, width, height] of the centre, in shares }] */
export function readPictures(part) {
  return readCsv(`data/prepared/${part}.csv`).rows.map(([file, name, ...numbers]) => {
    const [left, top, width, height] = numbers.map((text) => Number(text) / (2 * SIZE));
    const box = [left + width / 2, top + height / 2, width, height];
    return { inputs: shrink(readPng(`data/raw/${file}`)), name, box };
  });
}

export function shrink({ width, height, pixels }) {
  const inputs = new Float64Array(3 * SIZE * SIZE);
  const [across, down] = [width / SIZE, height / SIZE];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = Math.floor(row / down) * SIZE + Math.floor(column / across);
      for (let channel = 0; channel < 3; channel++) {
        inputs[channel * SIZE * SIZE + at] += pixels[(row * width + column) * 3 + channel] / (255 * across * down);
      }
    }
  }
  return inputs.map((share) => (share - MEAN) / SPREAD);
}
