import type { Picture } from './picture.ts';

/** An object to be drawn, in pixels. */
export interface Drawn {
  readonly text: string;
  /** Left, top, right, bottom. */
  readonly box: readonly number[];
  readonly polygon?: readonly (readonly number[])[];
  readonly points?: readonly (readonly number[])[];
}

type Colour = readonly [number, number, number];

/** Far apart from each other and from most photos. */
const colours: readonly Colour[] = [
  [230, 25, 75],
  [60, 180, 75],
  [0, 130, 200],
  [245, 130, 48],
  [145, 30, 180],
  [0, 170, 170],
  [240, 50, 230],
  [128, 96, 0],
];

/** A copy of the picture, in colour, with the objects drawn: what has the same text before its last word has one colour. */
export function draw(picture: Picture, objects: readonly Drawn[]): Picture {
  const { width, height, bands } = picture;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    data[i] = picture.data[bands === 3 ? i : Math.floor(i / 3)] ?? 0;
  }
  const canvas: Picture = { width, height, bands: 3, data, alpha: undefined };
  const line = Math.max(1, Math.round(Math.max(width, height) / 300));
  const kinds = new Map<string, Colour>();
  for (const { text, box, polygon = [], points = [] } of objects.toReversed()) {
    const kind = text.slice(0, Math.max(0, text.lastIndexOf(' ')));
    const colour = kinds.get(kind) ?? colours[kinds.size % colours.length] ?? [255, 0, 0];
    kinds.set(kind, colour);
    const [left = 0, top = 0, right = 0, bottom = 0] = box.map((value) => Math.round(value));
    fill(canvas, left, top, right, top + line, colour);
    fill(canvas, left, bottom - line, right, bottom, colour);
    fill(canvas, left, top, left + line, bottom, colour);
    fill(canvas, right - line, top, right, bottom, colour);
    for (const [i, from] of polygon.entries())
      stroke(canvas, from, polygon[(i + 1) % polygon.length] ?? from, line, colour);
    for (const [x = 0, y = 0] of points) fill(canvas, x - 2 * line, y - 2 * line, x + 2 * line, y + 2 * line, colour);
    label(canvas, text, left, top, line, colour);
  }
  return canvas;
}

/** A filled rectangle; what lies outside is cut off. */
function fill(
  { width, height, data }: Picture,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: Colour,
): void {
  for (let y = Math.max(0, Math.round(top)); y < Math.min(height, bottom); y++) {
    for (let x = Math.max(0, Math.round(left)); x < Math.min(width, right); x++) data.set(colour, (y * width + x) * 3);
  }
}

function stroke(canvas: Picture, from: readonly number[], to: readonly number[], line: number, colour: Colour): void {
  const [x = 0, y = 0] = from;
  const [dx, dy] = [(to[0] ?? 0) - x, (to[1] ?? 0) - y];
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(dx), Math.abs(dy))));
  for (let step = 0; step <= steps; step++) {
    const [atX, atY] = [Math.round(x + (dx * step) / steps), Math.round(y + (dy * step) / steps)];
    fill(canvas, atX, atY, atX + line, atY + line, colour);
  }
}

/** White letters on a ground of the colour, above the box or, at the upper edge, inside of it. */
function label(canvas: Picture, text: string, left: number, top: number, size: number, colour: Colour): void {
  const letters = text.replaceAll(/[^ -~]/g, '?').slice(0, 60);
  const high = 9 * size;
  const from = top - high >= 0 ? top - high : top;
  fill(canvas, left, from, left + (letters.length * 6 + 1) * size, from + high, colour);
  for (const [i, letter] of [...letters].entries()) {
    const at = (letter.charCodeAt(0) - 32) * 10;
    for (let column = 0; column < 5; column++) {
      const bits = Number.parseInt(font.slice(at + column * 2, at + column * 2 + 2), 16);
      for (let row = 0; row < 8; row++) {
        if (((bits >> row) & 1) === 0) continue;
        const [x, y] = [left + (i * 6 + 1 + column) * size, from + (row + 1) * size];
        fill(canvas, x, y, x + size, y + size, [255, 255, 255]);
      }
    }
  }
}

/** Letters from the space to the tilde, five columns each, the lowest bit on top. */
const font =
  '000000000000005F00000007000700147F147F14242A7F2A12231308646236495522500005030000' +
  '001C2241000041221C0014083E081408083E08080050300000080808080800606000002010080402' +
  '3E5149453E00427F400042615149462141454B311814127F1027454545393C4A4949300171090503' +
  '3649494936064949291E003636000000563600000814224100141414141400412214080201510906' +
  '324979413E7E1111117E7F494949363E414141227F4141221C7F494949417F090909013E4149497A' +
  '7F0808087F00417F41002040413F017F081422417F404040407F020C027F7F0408107F3E4141413E' +
  '7F090909063E4151215E7F09192946464949493101017F01013F4040403F1F2040201F3F4038403F' +
  '631408146307087008076151494543007F41410002040810200041417F0004020102044040404040' +
  '000102040020545454787F484444383844444420384444487F3854545418087E0901020C5252523E' +
  '7F0804047800447D40002040443D007F1028440000417F40007C041804787C080404783844444438' +
  '7C14141408081414187C7C080404084854545420043F4440203C4040207C1C2040201C3C4030403C' +
  '44281028440C5050503C4464544C44000836410000007F000000413608000804081008';
