import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { StageOutput } from './stage-output.ts';

describe('output of stages', () => {
  it('passes through untouched when one runs at a time', () => {
    const written: (string | Uint8Array)[] = [];
    const output = new StageOutput((text) => written.push(text), false);
    output.chunk('a', Buffer.from('half a li'));
    output.end('a');
    expect(written.map(String)).toEqual([String(Buffer.from('half a li'))]);
  });

  it('is whole prefixed lines however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('é', '世', 'x', '\n', '😀')),
        fc.integer({ min: 1, max: 5 }),
        (letters, size) => {
          const text = letters.join('');
          let written = '';
          const output = new StageOutput((chunk) => (written += String(chunk)), true);
          const bytes = Buffer.from(text);
          for (let i = 0; i < bytes.length; i += size) {
            output.chunk('a', bytes.subarray(i, i + size));
            output.chunk('b', Buffer.from('noise\n'));
          }
          output.end('a');
          const own = written
            .split('\n')
            .filter((line) => line.startsWith('[a] '))
            .map((line) => line.slice(4));
          const expected = text === '' || text.endsWith('\n') ? text.slice(0, -1) : text;
          expect(own.join('\n')).toBe(expected);
        },
      ),
    );
  });

  it('shows a line that is written over by its last state, with its name in front, and one a second on the way', () => {
    let written = '';
    let now = 0;
    const output = new StageOutput(
      (chunk) => (written += String(chunk)),
      true,
      () => now,
    );
    const say = (text: string): void => output.chunk('a', Buffer.from(text));
    for (let i = 0; i < 100; i++, now += 25) say(`\r${i}%`);
    say('\r100%\n');
    expect(written).toBe('[a] 0%\n[a] 40%\n[a] 80%\n[a] 100%\n');
    written = '';
    say('windows\r');
    say('\nend\r\n\r\r\n');
    say('\u001b[A\u001b[2K\u001b[32mgreen\u001b[0m\u001b[K\n');
    say('epoch 1\repoch 2');
    output.end('a');
    expect(written).toBe('[a] windows\n[a] end\n[a] \n[a] \u001b[32mgreen\u001b[0m\n[a] epoch 2\n');
  });
});
