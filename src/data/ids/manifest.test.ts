import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { digestOf } from './digest.ts';
import { formatManifest, manifestDigests, manifestId, parseManifest, splitManifest } from './manifest.ts';

const relpath = fc
  .array(fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map((part) => part.replaceAll(/[/\0]/g, 'x')).join('/'))
  .filter((path) => !path.split('/').some((part) => part === '.' || part === '..'));
const md5 = fc.stringMatching(/^[0-9a-f]{32}$/);

describe('a directory manifest', () => {
  it('has the bytes that Python would write', () => {
    const files = [
      { relpath: 'é ü.txt', md5: 'b'.repeat(32) },
      { relpath: 'B.txt', md5: 'a'.repeat(32) },
      { relpath: 'sub/\u{1F600}\u007f"', md5: 'c'.repeat(32) },
    ];
    expect(formatManifest(files)).toBe(
      `[{"md5": "${'a'.repeat(32)}", "relpath": "B.txt"}, {"md5": "${'c'.repeat(32)}", "relpath": "sub/\\ud83d\\ude00\\u007f\\""}, {"md5": "${'b'.repeat(32)}", "relpath": "\\u00e9 \\u00fc.txt"}]`,
    );
  });

  it('of an empty directory has the id that DVC gives it', () => {
    expect(digestOf(Buffer.from(formatManifest([])))).toBe('d751713988987e9331980363e24189ce');
  });

  it('orders by code point where UTF-16 would not', () => {
    const files = ['\u{10000}', '\uffee', 'a'].map((name) => ({ relpath: name, md5: 'a'.repeat(32) }));
    expect(parseManifest(formatManifest(files), 'x').map((file) => file.relpath)).toEqual(['a', '\uffee', '\u{10000}']);
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.record({ relpath, md5 }), { selector: (file) => file.relpath }), (files) => {
        const back = parseManifest(formatManifest(files), 'x');
        expect(new Map(back.map((file) => [file.relpath, file.md5]))).toEqual(
          new Map(files.map((file) => [file.relpath, file.md5])),
        );
        expect(formatManifest(back)).toBe(formatManifest(files));
        expect(manifestDigests(Buffer.from(formatManifest(files)))).toEqual(back.map((file) => file.md5));
      }),
    );
  });

  it('has the same id, and comes back, in pieces of any size', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ relpath, md5 }), { selector: (file) => file.relpath }),
        fc.integer({ min: 1, max: 200 }),
        (files, size) => {
          const content = Buffer.from(formatManifest(files));
          expect(manifestId(files)).toBe(`${digestOf(content)}.dir`);
          const pieces = Array.from({ length: Math.ceil(content.length / size) }, (_, i) =>
            content.subarray(i * size, (i + 1) * size),
          );
          const parts = [...splitManifest(pieces)];
          expect(parts.flatMap((part) => parseManifest(part, 'x'))).toEqual(parseManifest(content, 'x'));
          expect(parts.flatMap((part) => manifestDigests(part))).toEqual(manifestDigests(content));
        },
      ),
    );
  });

  it('of many files is one list', () => {
    const files = Array.from({ length: 12_345 }, (_, i) => ({ relpath: `f${i}`, md5: digestOf(Buffer.from(`${i}`)) }));
    expect(JSON.parse(formatManifest(files))).toHaveLength(files.length);
  });

  it.each(['', '{}', '[1]', '[{"md5": "zz", "relpath": "a"}]', `[{"md5": "${'a'.repeat(32)}", "relpath": "../a"}]`])(
    'refuses %j',
    (text) => {
      expect(() => parseManifest(text, 'x')).toThrow(expect.objectContaining({ code: 'corrupt_object' }));
    },
  );
});
