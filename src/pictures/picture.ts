/** A decoded picture: 8 bits a value, row by row from the top, the values of a pixel beside each other. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: red, green, blue. */
  readonly bands: 1 | 3;
  readonly data: Uint8Array;
  /** Opacity of each pixel, where the file holds it. */
  readonly alpha: Uint8Array | undefined;
}

/** A picture of one colour. */
export function filled(width: number, height: number, colour: readonly number[]): Picture {
  const bands = colour.length === 1 ? 1 : 3;
  const data = new Uint8Array(width * height * bands);
  for (let at = 0; at < data.length; at++) data[at] = colour[at % bands] ?? 0;
  return { width, height, bands, data, alpha: undefined };
}

/** Puts `picture` onto `onto` with its upper left corner at (x, y); what lies outside is cut off. */
export function paste(onto: Picture, picture: Picture, x: number, y: number): void {
  const { bands } = onto;
  const from = Math.max(0, -x);
  const width = Math.min(picture.width, onto.width - x) - from;
  if (width <= 0) return;
  for (let row = Math.max(0, -y); row < Math.min(picture.height, onto.height - y); row++) {
    const start = (row * picture.width + from) * bands;
    onto.data.set(picture.data.subarray(start, start + width * bands), ((row + y) * onto.width + x + from) * bands);
  }
}
