import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  didYouMean,
  editDistance,
  errorCodes,
  explainSystemError,
  formatBytes,
  formatDuration,
  isDecimal,
  MlopsError,
  nearest,
  withoutTrailing,
} from './index.ts';

describe('words', () => {
  it('finds what a mistyped word meant, and nothing where nothing is near', () => {
    expect(nearest('chekout', ['add', 'checkout', 'commit'])).toBe('checkout');
    expect(nearest('serv', ['server', 'add'])).toBe('server');
    expect(nearest('zzz', ['add', 'gc'])).toBeUndefined();
    expect(didYouMean('psuh', ['push', 'pull'])).toBe("did you mean 'push'?");
  });

  it('measures a distance: symmetric, zero only for equal words', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });

  it('writes sizes and durations for people', () => {
    expect([0, 1023, 1536, 10 * 1024 * 1024].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '10 MiB']);
    expect([3, 2400, 65_000, 7_620_000].map(formatDuration)).toEqual(['3 ms', '2.4 s', '1 min 05 s', '2 h 07 min']);
  });
});

describe('errors', () => {
  it('explains a full disk with the path, and leaves bugs alone', () => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write', path: '/x/y' });
    const explained = explainSystemError(full);
    expect(explained).toBeInstanceOf(MlopsError);
    expect(explained).toMatchObject({ code: 'disk_full', message: "ENOSPC: cannot write '/x/y'" });
    const bug = new TypeError('x is undefined');
    expect(explainSystemError(bug)).toBe(bug);
  });

  it('gives every code an exit status that scripts can tell from success, and an HTTP error status', () => {
    for (const [code, entry] of Object.entries(errorCodes)) {
      expect(entry.exit, code).toBeGreaterThan(0);
      expect(entry.http, code).toBeGreaterThanOrEqual(400);
      expect(entry.mlflow, code).toMatch(/^[A-Z_]+$/);
      expect(entry.summary, code).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe('numbers and ends', () => {
  it('are read and cut as the short expressions would, which take the square of the time', () => {
    const decimal = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('1', '0', '.', 'e', 'E', '-', '+', 'x'), maxLength: 8 }),
        (text) => {
          expect(isDecimal(text)).toBe(decimal.test(text));
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('/', 'a'), maxLength: 8 }), (text) => {
        expect(withoutTrailing(text, '/')).toBe(text.replace(/\/+$/, ''));
      }),
    );
    expect(withoutTrailing('a', '')).toBe('a');
  });
});
