import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { decodePicture } from '../../../src/pictures/codec.ts';
import { resizeAsOpenCv } from '../../../src/pictures/opencv.ts';
import type { Picture } from '../../../src/pictures/picture.ts';
import { plainOptions, preparePicture, type PictureOptions } from '../../../src/pictures/index.ts';
import { resizeAsPillow, type PillowFilter } from '../../../src/pictures/resample.ts';
import { describeWithTool } from '../../tools.ts';
import { bytesOf, farthest, startPeer, type Packed, type Peer } from './peer.ts';

interface Resized {
  readonly picture: Packed;
  readonly resized: Packed;
}

const side = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 90 }));
const sizes = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  width: side,
  height: side,
  bands: fc.constantFrom(1, 3),
  kind: fc.constantFrom('noise', 'blocks', 'slope'),
  to: fc.tuple(side, side),
});

interface About {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly kind: string;
  readonly to: [number, number];
}

async function both(peer: Peer, about: About, by: string, filter: string) {
  const { picture, resized } = await peer.ask<Resized>('resize', { ...about, by, filter });
  const { width, height } = about;
  const bands = about.bands === 1 ? 1 : 3;
  const own: Picture = { width, height, bands, data: bytesOf(picture), alpha: undefined };
  return { own, theirs: bytesOf(resized) };
}

describeWithTool('pictures', 'pictures, as Pillow and OpenCV see them: resampling', ({ pictures: python }) => {
  const peer = startPeer(python);
  afterAll(() => peer.close());
  const filters: readonly PillowFilter[] = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'];
  it.for(filters)('%s is that of Pillow, bit for bit', async (filter) => {
    const property = fc.asyncProperty(sizes, async (about) => {
      const { own, theirs } = await both(peer, about, 'pillow', filter);
      expect(farthest(resizeAsPillow(own, ...about.to, filter).data, theirs)).toBe(0);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it.for(['bilinear', 'area', 'bicubic'] as const)(
    '%s is that of OpenCV, within one level where it is not bilinear',
    async (filter) => {
      const property = fc.asyncProperty(sizes, async (about) => {
        const { own, theirs } = await both(peer, about, 'opencv', filter);
        expect(farthest(resizeAsOpenCv(own, ...about.to, filter).data, theirs)).toBeLessThanOrEqual(
          filter === 'bilinear' ? 0 : 1,
        );
      });
      await fc.assert(property, { numRuns: 80 });
    },
  );

  it('does large pictures too', async () => {
    const about = { seed: 9, width: 1201, height: 803, bands: 3, kind: 'noise', to: [224, 224] as [number, number] };
    for (const filter of filters) {
      const { own, theirs } = await both(peer, about, 'pillow', filter);
      expect(farthest(resizeAsPillow(own, ...about.to, filter).data, theirs), filter).toBe(0);
    }
    for (const filter of ['bilinear', 'area', 'bicubic'] as const) {
      const { own, theirs } = await both(peer, about, 'opencv', filter);
      expect(farthest(resizeAsOpenCv(own, ...about.to, filter).data, theirs), filter).toBeLessThanOrEqual(
        filter === 'bilinear' ? 0 : 1,
      );
    }
  });
});

describeWithTool('pictures', 'pictures, as Pillow and OpenCV see them: decoding', ({ pictures: python }) => {
  const peer = startPeer(python);
  let files: Record<string, string>;
  beforeAll(async () => {
    ({ files } = await peer.ask<{ files: Record<string, string> }>('files'));
  });
  afterAll(() => peer.close());
  const pixels = async (file: string, options: Partial<PictureOptions> = {}) => {
    const picture = await decodePicture(Buffer.from(file, 'base64'), { orient: options.exif ?? true });
    return preparePicture(picture, { ...plainOptions, layout: 'NHWC', dtype: 'uint8', ...options });
  };
  const pillow = (file: string, about: object = {}) =>
    peer.ask<{ picture: Packed; mode: string; error?: string }>('decode', { file, ...about });

  it('gives the pixels of Pillow, whatever the file', async () => {
    const wrong: Record<string, unknown> = {};
    for (const [name, file] of Object.entries(files)) {
      const theirs = await pillow(file);
      const own = await pixels(file).catch(String);
      if (typeof own === 'string') wrong[name] = own;
      else if (own.dims.join() !== theirs.picture.shape.join()) wrong[name] = own.dims;
      else if (farthest(own.data, bytesOf(theirs.picture)) > 0)
        wrong[name] = farthest(own.data, bytesOf(theirs.picture));
    }
    expect(wrong).toEqual({});
    expect(Object.keys(files).length).toBeGreaterThan(80);
  });

  it('is grey as Pillow is', async () => {
    for (const name of ['slope-sub2.jpg', 'rough.png', 'cmyk.jpg', 'grey.jpg', 'transparent.gif', 'alpha.png']) {
      const theirs = await pillow(files[name]!, { mode: 'L' });
      expect(farthest((await pixels(files[name]!, { colour: 'grey' })).data, bytesOf(theirs.picture)), name).toBe(0);
    }
  });

  it('lays what is transparent onto a colour', async () => {
    const alpha = [200, 30, 90];
    for (const name of [
      'alpha.png',
      'alpha.webp',
      'alpha.bmp',
      'transparent.gif',
      'grey-alpha.png',
      'transparent.png',
    ]) {
      const theirs = await pillow(files[name]!, { onto: alpha });
      expect(farthest((await pixels(files[name]!, { alpha })).data, bytesOf(theirs.picture)), name).toBe(0);
    }
  });

  it('leaves a picture as the camera held it, where it is told so', async () => {
    for (const name of ['turn6.jpg', 'turn5.png', 'turn3.webp']) {
      const theirs = await pillow(files[name]!, { turn: false });
      const own = await pixels(files[name]!, { exif: false });
      expect(own.dims).toEqual(theirs.picture.shape);
      expect(farthest(own.data, bytesOf(theirs.picture)), name).toBe(0);
    }
  });

  it('refuses a cut-off file, as Pillow does', async () => {
    const wrong: Record<string, unknown> = {};
    for (const name of Object.keys(files).filter((file) => /^(?:slope|grey|alpha)/.test(file))) {
      const whole = Buffer.from(files[name]!, 'base64');
      const cut = whole.subarray(0, Math.floor(whole.length * 0.6)).toString('base64');
      const theirs = await pillow(cut);
      const code = await pixels(cut).then(
        () => 'read',
        (error: { code: string }) => error.code,
      );
      if (theirs.error === undefined || code !== 'bad_picture') wrong[name] = [theirs.error, code];
    }
    expect(wrong).toEqual({});
  });
});
