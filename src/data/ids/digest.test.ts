import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createStreamDigest, digestOf } from './digest.ts';

const md5 = (content: Uint8Array | string): string => createHash('md5').update(content).digest('hex');

describe('the hash of DVC 2', () => {
  it('folds CRLF in text', () => {
    expect(digestOf(Buffer.from('a\r\nb\r\r\n\r'), 'md5-dos2unix')).toBe(md5('a\nb\r\n\r'));
  });

  it('takes binary content as it is', () => {
    const content = Buffer.from('a\r\nb\0');
    expect(digestOf(content, 'md5-dos2unix')).toBe(md5(content));
  });

  it('decides for each MiB anew whether it is text', () => {
    const text = Buffer.alloc(1 << 20, 'ab\r\n');
    const binary = Buffer.concat([Buffer.from([0]), Buffer.from('\r\n')]);
    const folded = text.toString('latin1').replaceAll('\r\n', '\n');
    expect(digestOf(Buffer.concat([text, binary]), 'md5-dos2unix')).toBe(
      md5(Buffer.concat([Buffer.from(folded), binary])),
    );
  });

  it('is the same however the content arrives', () => {
    const content = Buffer.from('line\r\nother line\r\n'.repeat(150_000));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 8 }), (cuts) => {
        const digest = createStreamDigest('md5-dos2unix');
        let at = 0;
        for (const cut of cuts) digest.update(content.subarray(at, (at += cut)));
        if (at < content.length) digest.update(content.subarray(at));
        expect(digest.hex()).toBe(digestOf(content, 'md5-dos2unix'));
      }),
      { numRuns: 10 },
    );
  });
});
