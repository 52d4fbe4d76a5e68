import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { keyStoreContract } from './key-store-contract.ts';
import { createKey, fileKeyStore, keyOf, keyVerifier, memoryKeyStore, revokeKey } from './index.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keys-'))));
afterEach(() => {
  fs.rmSync(dir, { recursive: true });
  vi.useRealTimers();
});

describe.each([
  ['memory', () => memoryKeyStore()],
  ['file', () => fileKeyStore(path.join(dir, 'sub', 'keys.json'))],
])('API keys in a %s', (_kind, open) => {
  keyStoreContract(open);

  it('let in who has one, for what its scope allows', () => {
    const store = open();
    const { secret } = createKey(store, { name: 'app', scopes: ['predict'] });
    const admin = createKey(store, { name: 'boss', scopes: ['admin'] });
    const check = keyVerifier(store);
    expect(check(secret, 'predict')).toEqual({ name: 'app', scopes: ['predict'] });
    expect(check(admin.secret, 'predict').name).toBe('boss');
    expect(() => check(secret, 'admin')).toThrow(expect.objectContaining({ code: 'forbidden' }));
    for (const wrong of [undefined, '', 'x', `${secret}x`, `mlops_${'0'.repeat(12)}_x`, 'schlüssel mit leerzeichen']) {
      expect(() => check(wrong, 'predict')).toThrow(expect.objectContaining({ code: 'unauthorized' }));
    }
  });

  it('keep no secret', () => {
    const store = open();
    const { secret } = createKey(store, { name: 'app', scopes: ['predict'] });
    expect(JSON.stringify(store.load())).not.toContain(secret.slice(20));
  });

  it('are made, revoked and expired without a restart', async () => {
    const store = open();
    const check = keyVerifier(store);
    expect(() => check('x', 'predict')).toThrow('not valid');
    const { secret } = createKey(store, { name: 'late', scopes: ['predict'] });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(check(secret, 'predict').name).toBe('late');
    revokeKey(store, 'late');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(() => check(secret, 'predict')).toThrow('not valid');
    expect(() => revokeKey(store, 'late')).toThrow(expect.objectContaining({ code: 'key_not_found' }));
    const old = createKey(store, { name: 'old', scopes: ['predict'], expires: new Date(Date.now() - 1) });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(() => check(old.secret, 'predict')).toThrow('expired');
  });
});

describe('the key file', () => {
  it('is readable by its owner only, and a broken one is no open door', () => {
    const file = path.join(dir, 'keys.json');
    createKey(fileKeyStore(file), { name: 'a', scopes: ['predict'] });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    fs.writeFileSync(file, '{');
    expect(() => keyVerifier(fileKeyStore(file))('x', 'predict')).toThrow(
      expect.objectContaining({ code: 'bad_json' }),
    );
  });
});

describe('keyOf', () => {
  it('reads a bearer token or X-API-Key', () => {
    expect(keyOf({ authorization: 'bearer  abc ' })).toBe('abc');
    expect(keyOf({ authorization: 'Basic abc' })).toBeUndefined();
    expect(keyOf({ 'x-api-key': 'abc' })).toBe('abc');
    expect(keyOf({})).toBeUndefined();
  });
});
