import * as zlib from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { locateWorker } from '../base/index.ts';
import { decodePicture } from './codec.ts';
import { describePicture } from './describe.ts';
import { planOf } from './geometry.ts';
import { pictureLimits } from './limits.ts';
import { plainOptions, presets } from './options.ts';
import { filled } from './picture.ts';
import { PicturePool } from './pool.ts';
import { preparePicture } from './prepare.ts';
import { optionsOfPreprocessor } from './preprocessor.ts';

/** A PNG of one colour, whatever size its header claims. */
function png(width: number, height: number, rows: Buffer): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(zlib.crc32?.(body) ?? crc(body));
    return Buffer.concat([head, body, tail]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic,
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

const jpeg = () =>
  sharp({ create: { width: 64, height: 48, channels: 3, background: '#c08040' } })
    .jpeg()
    .toBuffer();

describe('what is no picture', () => {
  const refused: Record<string, [Buffer, RegExp]> = {
    nothing: [Buffer.alloc(0), /empty/],
    SVG: [Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /SVG/],
    'bare SVG': [Buffer.from('  <svg width="9999999" height="9999999"/>'), /SVG/],
    PDF: [Buffer.from('%PDF-1.7\n%abc'), /PDF/],
    HTML: [Buffer.from('<!DOCTYPE html><p>hello'), /HTML/],
    text: [Buffer.from('hello'), /something else/],
    AVIF: [Buffer.from('\0\0\0\x1cftypavif\0\0\0\0'), /AVIF/],
    'the head of a JPEG alone': [Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), /broken|cut off/],
    'the head of a GIF alone': [Buffer.from('GIF89a'), /cut off/],
    'a GIF of no frame': [Buffer.from('GIF89a\x01\0\x01\0\0\0\0;', 'latin1'), /no frame/],
    'a header of 60,000 x 60,000 pixels': [png(60_000, 60_000, Buffer.alloc(10)), /limit of 50000000/],
    'a header of 2^31 pixels a side': [png(0x7fffffff, 0x7fffffff, Buffer.alloc(10)), /side|broken/],
    'a header without data': [png(1_000, 1_000, Buffer.alloc(10)), /cut off|broken/],
  };
  it.for(Object.entries(refused))('%s is refused at once, with the reason', async ([, [bytes, why]]) => {
    const started = performance.now();
    await expect(decodePicture(bytes)).rejects.toMatchObject({
      code: 'bad_picture',
      message: expect.stringMatching(why) as string,
    });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('refuses a bomb without taking the memory that it asks for', async () => {
    const bomb = png(40_000, 40_000, Buffer.alloc(60_000_000));
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 5; i++) await expect(decodePicture(bomb)).rejects.toMatchObject({ code: 'bad_picture' });
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
  });

  it('refuses a JPEG of thousands of scans', async () => {
    const whole = await sharp({ create: { width: 3_000, height: 2_000, channels: 3, background: 'red' } })
      .jpeg({ progressive: true })
      .toBuffer();
    const scan = whole.lastIndexOf(Buffer.from([0xff, 0xda]));
    const again = Array.from({ length: 2_000 }, () => whole.subarray(scan, -2));
    const many = Buffer.concat([whole.subarray(0, -2), ...again, Buffer.from([0xff, 0xd9])]);
    await expect(decodePicture(many)).rejects.toMatchObject({ message: expect.stringContaining('scans') as string });
  });

  it('refuses more frames than the limit', async () => {
    const gif = await sharp(Buffer.alloc(8 * 8 * 3 * 4), { raw: { width: 8, height: 32, channels: 3, pageHeight: 8 } })
      .gif({ delay: [1, 2, 3, 4] })
      .toBuffer();
    const { limits } = { limits: { pixels: 1e6, side: 1e4, frames: 0, decodedBytes: 1e7, time: 2_000 } };
    await expect(decodePicture(gif, { limits })).rejects.toMatchObject({
      message: expect.stringMatching(/frames, more than/) as string,
    });
  });
});

describe('a thread that is given up', () => {
  it('leaves the pictures that wait to another one', async () => {
    const limits = { ...pictureLimits, time: -499 };
    const pool = new PicturePool({ file: () => locateWorker('picture'), threads: 1, limits });
    const file = await jpeg();
    const how = { options: plainOptions, full: false, describe: false };
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => pool.prepareAll([file], how)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await pool.close();
  });
});

describe('garbage beside the pixels', () => {
  it('does not matter in EXIF or the colour profile', async () => {
    const plain = await decodePicture(await jpeg());
    const segment = (marker: number, text: string, size: number) => {
      const body = Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(size, 0xee)]);
      return Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]), body]);
    };
    const whole = await jpeg();
    const odd = Buffer.concat([
      whole.subarray(0, 2),
      segment(0xe1, 'Exif\0\0', 700),
      segment(0xe2, 'ICC_PROFILE\0\x01\x01', 900),
      whole.subarray(2),
    ]);
    expect((await decodePicture(odd)).data).toEqual(plain.data);
  });
});

describe('sizes', () => {
  const plan = (width: number, height: number, options: object) =>
    planOf(width, height, { resize: undefined, crop: undefined, ...options }, false);

  it('truncates the other side, as torchvision does', () => {
    expect(plan(500, 333, { resize: { mode: 'shorter', size: 256 } })).toMatchObject({ width: 384, height: 256 });
    expect(plan(333, 500, { resize: { mode: 'longer', size: 256 } })).toMatchObject({ width: 170, height: 256 });
    expect(plan(5_000, 1, { resize: { mode: 'longer', size: 100 } })).toMatchObject({ width: 100, height: 1 });
  });

  it('cuts the centre at an offset that is rounded half to even', () => {
    const offsets = [224, 225, 226, 227, 229, 231].map(
      (side) => plan(side, side, { crop: { width: 224, height: 224 } }).left,
    );
    expect(offsets.map((offset) => 0 - offset)).toEqual([0, 0, 1, 2, 2, 4]);
  });

  it('fills what is too small', () => {
    const crop = { crop: { width: 5, height: 4 } };
    expect(plan(2, 1, crop)).toMatchObject({ left: 1, top: 1, outWidth: 5, outHeight: 4 });
  });

  it('makes a letterbox as Ultralytics does', () => {
    const box = { mode: 'letterbox', width: 640, height: 640, colour: [114, 114, 114] };
    expect(plan(1_280, 719, { resize: box })).toMatchObject({
      width: 640,
      height: 360,
      left: 0,
      top: 140,
      outHeight: 640,
    });
    expect(plan(810, 1_080, { resize: box })).toMatchObject({
      width: 480,
      height: 640,
      left: 80,
      top: 0,
      outWidth: 640,
    });
    expect(plan(810, 1_080, { resize: { ...box, stride: 32 } })).toMatchObject({ left: 0, outWidth: 480 });
    expect(plan(1_000, 701, { resize: box })).toMatchObject({ height: 449, top: 95, outHeight: 640 });
  });

  it('refuses a size that follows from the picture and is beyond the limits', () => {
    const picture = filled(1, 40_000, [0, 0, 0]);
    const options = { ...plainOptions, resize: { mode: 'shorter', size: 224 } as const };
    expect(() => preparePicture(picture, options)).toThrow(/a side may have/);
  });
});

describe('values', () => {
  it('are scaled, shifted and divided for each channel, in the order of the colours', () => {
    const picture = filled(2, 1, [255, 51, 0]);
    const options = { ...presets.vgg16, resize: undefined };
    const made = preparePicture(picture, options);
    expect(made.dims).toEqual([1, 2, 3]);
    for (const [i, value] of [0 - 103.939, 51 - 116.779, 255 - 123.68].entries())
      expect(made.data[i]).toBeCloseTo(value, 4);
    const planar = preparePicture(picture, { ...presets.imagenet, resize: undefined, crop: undefined });
    expect(planar.dims).toEqual([3, 1, 2]);
    expect([...planar.data.slice(0, 2)]).toEqual(Array.from({ length: 2 }, () => Math.fround((1 - 0.485) / 0.229)));
  });
});

describe('preprocessor_config.json', () => {
  it('is understood as transformers does', () => {
    const vit = { size: 224, resample: 2, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], do_normalize: true };
    expect(optionsOfPreprocessor({ ...vit, feature_extractor_type: 'ViTFeatureExtractor' })).toMatchObject({
      resize: { mode: 'exact', width: 224, height: 224 },
      resample: 'bilinear',
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
    });
    const clip = {
      size: { shortest_edge: 224 },
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
      resample: 3,
    };
    expect(optionsOfPreprocessor({ ...clip, image_processor_type: 'CLIPImageProcessor' })).toMatchObject({
      resize: { mode: 'shorter', size: 224 },
      crop: { width: 224, height: 224, whole: true },
      resample: 'bicubic',
      mean: undefined,
    });
    const next = { size: { shortest_edge: 224 }, crop_pct: 0.875, image_processor_type: 'ConvNextImageProcessor' };
    expect(optionsOfPreprocessor(next)).toMatchObject({ resize: { mode: 'shorter', size: 256 }, crop: { width: 224 } });
    const detr = { size: { shortest_edge: 800, longest_edge: 1333 }, image_processor_type: 'DetrImageProcessor' };
    const options = optionsOfPreprocessor(detr)!;
    expect(planOf(640, 480, options, false)).toMatchObject({ width: 1066, height: 800 });
    expect(planOf(2_000, 500, options, false)).toMatchObject({ width: 1333, height: 333 });
    const efficient = { size: { height: 9, width: 8 }, rescale_factor: 1 / 127.5, rescale_offset: true };
    expect(optionsOfPreprocessor(efficient)).toMatchObject({ mean: [1], scale: 1 / 127.5, resize: { width: 8 } });
    expect(optionsOfPreprocessor({ feature_size: 1, sampling_rate: 16_000 })).toBeUndefined();
  });
});

it('describes a picture', async () => {
  const facts = describePicture(await decodePicture(await jpeg()));
  expect(facts).toMatchObject({ width: 64, height: 48, mode: 'RGB', contrast: 0 });
  expect(facts.mean).toBeCloseTo((0xc0 + 0x80 + 0x40) / 3, 0);
  expect(facts.luminance.reduce((sum, count) => sum + count, 0)).toBe(64 * 48);
  expect(facts.luminance.findIndex((count) => count > 0)).toBe(8);
});
