import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { escapeControls, shown, withStyles } from './escape.ts';
import { createStyle } from './style.ts';

it('shows what would control the terminal, and leaves the rest', () => {
  expect(escapeControls('a\u001b]0;owned\u0007\u001b[2J\u009b31m\u007f\b\r\u202eb')).toBe(
    String.raw`a\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\x08\r\u202eb`,
  );
  expect(escapeControls('é 漢 \u{1f600}\t1\r\n2\n')).toBe('é 漢 \u{1f600}\t1\r\n2\n');
});

it('lets nothing through but styles of our own, whatever is styled', async () => {
  const style = await createStyle(true);
  expect(shown(style.red('a'), true)).toBe('\u001b[31ma\u001b[39m');
  expect(shown(style.bold(`x${style.red('\u001b[5mb')}y`), true)).toBe(
    '\u001b[1mx\u001b[31m\\x1b[5mb\u001b[39my\u001b[22m',
  );
  const evil = fc.array(fc.constantFrom('\u001b', '\u009b', '[', '2J', ']0;', '\u0007', 'x', '\r', '\ufdd0', '\n'));
  fc.assert(
    fc.property(evil, (parts) => {
      const text = shown(`${parts.join('')}${style.green(parts.join(''))}`, true);
      // oxlint-disable-next-line no-control-regex
      expect(text.replaceAll(/\u001b\[(?:32|39)m/g, '')).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)/);
    }),
  );
});

it('changes nothing in a pipe', () => {
  expect(shown('\u001b[31mx\r', false)).toBe('\u001b[31mx\r');
  expect(withStyles('\ufdd0 alone')).toBe('\ufdd0 alone');
});
