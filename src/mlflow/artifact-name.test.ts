import fc from 'fast-check';
import { expect, it } from 'vitest';

import { decodeFully, newArtifactName, readArtifactName } from './artifact-name.ts';

it('reads names as the clients of MLflow write them', () => {
  for (const [path, stored, others] of [
    ['a/b.txt', 'a/b.txt', []],
    ['my%20model/f', 'my model/f', ['my%20model/f']],
    ['100%_a%20b', '100%_a b', ['100%_a%20b']],
    ['rate_5%ab', 'rate_5\ufffd', ['rate_5%ab']],
    ['k%3%5ce', 'k%3\\e', ['k%3%5ce']],
    ['%2525', '%', ['%2525']],
    ['line%0abreak', 'line%0abreak', ['line\nbreak']],
    ['.', '', []],
    ['./a//b/./', 'a/b', []],
    ['c:x', 'c:x', []],
    ['..x/x..', '..x/x..', []],
  ] as const) {
    expect([path, readArtifactName(path)]).toEqual([path, { stored, others }]);
  }
});

it('refuses what leaves the root, however often it is encoded', () => {
  for (const path of ['..', '../x', 'a/..', '/x', '%2e%2e/x', '%25252e%25252e%25252fx', 'C:/x', 'c:\\x', 'file:///x']) {
    expect(() => readArtifactName(path), path).toThrow('Invalid path');
  }
  expect(() => decodeFully('%25'.repeat(20).replaceAll('%25', '%25'.padEnd(40, '25')))).toThrow('Invalid path');
  for (const path of ['', 'a/', './a', '.', 'a#b', 'a%23b', 'a\0b']) {
    expect(() => newArtifactName(path), path).toThrow('Invalid path');
  }
  expect(newArtifactName('a//b')).toBe('a/b');
});

it('a name that was stored is read as itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      let stored: string;
      try {
        stored = newArtifactName(text);
      } catch {
        return;
      }
      expect(readArtifactName(stored).stored).toBe(stored);
      expect(stored.split('/')).not.toContain('..');
      expect(stored.startsWith('/')).toBe(false);
    }),
  );
});
