import { pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

import { MlopsError } from '../base/index.ts';

const derive = promisify<string, string, number, object, Buffer>(scrypt);
const deriveOld = promisify(pbkdf2);

/** Cost of scrypt, the same that Werkzeug (and so MLflow's server) takes: 32 MiB and some 60 ms for each try. */
const cost = { N: 2 ** 15, r: 8, p: 1 };
const size = 64;
const memory = 132 * cost.N * cost.r * cost.p;

/** A password as it is kept, `scrypt:32768:8:1$SALT$HEX`: Werkzeug's form, so that users of MLflow's server can move. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16).toString('hex');
  const key = await derive(password, salt, size, { ...cost, maxmem: memory });
  return `scrypt:${cost.N}:${cost.r}:${cost.p}$${salt}$${key.toString('hex')}`;
}

/** Whether a password is the one that was kept. It takes its time for a user who does not exist, too. */
export async function checkPassword(password: string, kept: string | undefined): Promise<boolean> {
  const [method = '', salt = '', hex = ''] = (kept ?? '').split('$');
  const parts = method.split(':');
  const expected = Buffer.from(hex, 'hex');
  if (parts[0] === 'pbkdf2' && expected.length > 0) {
    const [, digest = 'sha256', rounds = '0'] = parts;
    const key = await deriveOld(password, salt, Number(rounds), expected.length, digest);
    return timingSafeEqual(key, expected);
  }
  const [N = cost.N, r = cost.r, p = cost.p] = parts[0] === 'scrypt' ? parts.slice(1).map(Number) : [];
  const key = await derive(password, salt, size, { N, r, p, maxmem: 132 * N * r * p });
  return expected.length === key.length && timingSafeEqual(key, expected);
}

/** The password that MLflow's server came with until it was known to everybody. */
const known = 'password1234';

/** @throws MlopsError `invalid_value` for one that is too short or known to all. */
export function refuseWeakPassword(password: string): void {
  if (password.length < 12) throw new MlopsError('invalid_value', 'Password must be at least 12 characters.');
  if (password === known) {
    throw new MlopsError('invalid_value', 'Refusing to use the insecure default password that older servers shipped.');
  }
}
