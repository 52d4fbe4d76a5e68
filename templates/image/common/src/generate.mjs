// Stage 1: pictures of skin, 24 by 24 pixels, drawn by rules and a seed, so that nothing is downloaded. (mlops needs Node in
// any case: this stage is JavaScript also where the others are Python.)
//   data/raw/pictures/*.png   the pictures
//   data/raw/marks.csv        file, class, and the box around the mark (left, top, width, height; 0 where there is none)
// clear: no mark. mole: round and brown. nevus: round and red. patch: dark, and wide.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

import { writePng } from './png.mjs';

const SIZE = 24;
const CLASSES = ['clear', 'mole', 'nevus', 'patch'];
const COLOURS = { mole: [120, 80, 50], nevus: [190, 70, 70], patch: [70, 50, 50] };

const params = readFileSync('params.yaml', 'utf8');
const setting = (name) => Number(new RegExp(`^generate:\\n(?:  .*\\n)*?  ${name}: (\\d+)`, 'm').exec(params)?.[1]);
const [count, seed] = ['pictures', 'seed'].map(setting);

let state = seed >>> 0;
/** Tommy Ettinger's mulberry32: from 0 (included) to 1 (excluded). */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
}
const whole = (low, high) => low + Math.floor(random() * (high - low + 1));

mkdirSync('data/raw/pictures', { recursive: true });
const lines = ['file,class,left,top,width,height'];
for (let n = 0; n < count; n++) {
  const name = CLASSES[n % CLASSES.length];
  const [width, height] = name === 'patch' ? [whole(10, 16), whole(6, 9)] : [whole(6, 10), whole(6, 10)];
  const [left, top] = [whole(1, SIZE - width - 1), whole(1, SIZE - height - 1)];
  const skin = [whole(200, 240), whole(160, 195), whole(130, 165)];
  const colour = (COLOURS[name] ?? skin).map((value) => value + whole(-25, 25));
  const pixels = Buffer.alloc(SIZE * SIZE * 3);
  for (let at = 0; at < SIZE * SIZE; at++) {
    const [x, y] = [at % SIZE, Math.floor(at / SIZE)];
    const [dx, dy] = [(x + 0.5 - left - width / 2) / (width / 2), (y + 0.5 - top - height / 2) / (height / 2)];
    const inside = name !== 'clear' && dx * dx + dy * dy <= 1;
    for (let channel = 0; channel < 3; channel++) {
      const value = (inside ? colour : skin)[channel] + whole(-30, 30);
      pixels[at * 3 + channel] = Math.min(255, Math.max(0, value));
    }
  }
  const file = `pictures/${String(n).padStart(4, '0')}.png`;
  writePng(`data/raw/${file}`, SIZE, SIZE, pixels);
  lines.push([file, name, ...(name === 'clear' ? [0, 0, 0, 0] : [left, top, width, height])].join(','));
}
writeFileSync('data/raw/marks.csv', `${lines.join('\n')}\n`);
console.log(`${count} pictures of ${CLASSES.join(', ')}`);
