import { expect, it } from 'vitest';

import { isNetworkError, isPlainServer, networkWords } from './network-errors.ts';

function failed(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

it('a name that nobody knows is told as that', () => {
  for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
    const error = failed(code, `getaddrinfo ${code} data.example`);
    expect(isNetworkError(error)).toBe(true);
    expect(networkWords(error)).toBe(`the name 'data.example' is not known (DNS: ${code})`);
    expect(networkWords(new Error('wrapped', { cause: error }))).toBe(networkWords(error));
  }
});

it('what is no HTTP is told as that, everything else in its own words', () => {
  expect(networkWords(failed('HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/'))).toContain('does not speak HTTP');
  expect(networkWords(failed('ECONNRESET', 'read ECONNRESET'))).toBe('read ECONNRESET');
  const both = [failed('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'), failed('ECONNREFUSED', 'connect ECONNREFUSED')];
  const together = Object.assign(new AggregateError(both), { code: 'ECONNREFUSED' });
  expect(networkWords(together)).toContain('ECONNREFUSED');
  expect(isPlainServer(failed('EPROTO', 'write EPROTO 80:error:0A00010B:SSL routines::wrong version number'))).toBe(
    true,
  );
  expect(isPlainServer(failed('EPROTO', 'write EPROTO handshake failure'))).toBe(false);
});
