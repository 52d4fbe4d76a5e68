import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as ResvgWasm from '@resvg/resvg-wasm';

/** Pixels of the picture for each of the drawing: sharp on screens of today, and in print at the size of a column. */
const scale = 2;

let started: Promise<typeof ResvgWasm> | undefined;

/**
 * A drawing as PNG, with letters of our own font: most containers have none. It knows Latin, Greek, Cyrillic and the
 * common signs of mathematics; other letters are empty boxes.
 */
export async function toPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await (started ??= start());
  const family = 'DejaVu Sans';
  const renderer = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: { fontBuffers: [fontBytes()], defaultFontFamily: family, sansSerifFamily: family },
  });
  try {
    const image = renderer.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    renderer.free();
  }
}

async function start(): Promise<typeof ResvgWasm> {
  const resvg = await import('@resvg/resvg-wasm');
  const file = createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm');
  await resvg.initWasm(fs.readFileSync(file));
  return resvg;
}

let font: Uint8Array | undefined;

/** Beside this file, or in `dist/font/` above its chunk. */
function fontBytes(): Uint8Array {
  if (font !== undefined) return font;
  const places = ['./font/', '../font/'].map((place) =>
    fileURLToPath(new URL(`${place}dejavu-sans-subset.ttf`, import.meta.url)),
  );
  const file = places.find((place) => fs.existsSync(place));
  if (file === undefined)
    throw new Error('the font of the plots is missing: the program was not built (npm run build)');
  return (font = fs.readFileSync(file));
}
