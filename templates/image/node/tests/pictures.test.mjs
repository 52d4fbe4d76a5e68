import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { MEAN, shrink, SIZE, SPREAD } from '../src/pictures.mjs';
import { readPng, writePng } from '../src/png.mjs';

test('a picture is read as it was written, and made smaller by means', () => {
  const folder = mkdtempSync(join(tmpdir(), 'png-'));
  try {
    const pixels = Buffer.from(Array.from({ length: 24 * 24 * 3 }, (_, at) => (at * 7) % 256));
    writePng(join(folder, 'a.png'), 24, 24, pixels);
    const read = readPng(join(folder, 'a.png'));
    assert.deepEqual(read.pixels, pixels);
    const [first] = shrink(read);
    const mean = (pixels[0] + pixels[3] + pixels[72] + pixels[75]) / 4 / 255;
    assert.ok(Math.abs(first - (mean - MEAN) / SPREAD) < 1e-9);
    assert.equal(shrink(read).length, 3 * SIZE * SIZE);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
