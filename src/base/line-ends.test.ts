import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { keepingLineEnds } from './index.ts';

describe('keeping line ends', () => {
  const line = fc.stringMatching(/^[ab ]{0,4}$/);

  it('shows an edit LF only, and gives back one kind of line end', () => {
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, windows) => {
        const end = windows ? '\r\n' : '\n';
        const text = lines.map((each) => each + end).join('');
        const edited = keepingLineEnds(text, (plain) => {
          expect(plain).not.toContain('\r');
          return `${plain}added\n`;
        });
        const wanted = windows && lines.length > 0 ? '\r\n' : '\n';
        expect(edited).toBe(`${lines.map((each) => each + wanted).join('')}added${wanted}`);
      }),
    );
  });

  it('heals a file of both kinds in favour of the greater number, when it is changed at all', () => {
    expect(keepingLineEnds('a\r\nb\r\nc\n', (text) => `${text}d\n`)).toBe('a\r\nb\r\nc\r\nd\r\n');
    expect(keepingLineEnds('a\r\nb\nc\n', (text) => `${text}d\n`)).toBe('a\nb\nc\nd\n');
    expect(keepingLineEnds('a\r\nb\nc\n', (text) => text)).toBe('a\r\nb\nc\n');
  });
});
