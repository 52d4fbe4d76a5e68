import * as fs from 'node:fs';

import { MlopsError } from '../../base/index.ts';

/** Options of a remote as DVC names them in its config; texts as an INI file has them, or values. */
export type RemoteOptions = Readonly<Record<string, string | number | boolean | undefined>>;

/** A text option; empty counts as not given. */
export function textOption(options: RemoteOptions, name: string): string | undefined {
  const value = options[name];
  return value === undefined || value === '' ? undefined : String(value);
}

/** @throws MlopsError `remote_misconfigured` for anything that is neither true nor false. */
export function flagOption(options: RemoteOptions, name: string): boolean | undefined {
  const value = options[name];
  if (value === undefined || typeof value === 'boolean') return value;
  const text = String(value).toLowerCase();
  if (['true', 'yes', 'on', '1'].includes(text)) return true;
  if (['false', 'no', 'off', '0'].includes(text)) return false;
  throw misconfigured(`'${name}' is true or false, not '${String(value)}'`);
}

/** Seconds in the options, milliseconds here. */
export function secondsOption(options: RemoteOptions, name: string): number | undefined {
  const value = options[name];
  if (value === undefined || value === '') return undefined;
  const seconds = Number(value);
  if (!Number.isFinite(seconds) || seconds < 0) throw misconfigured(`'${name}' is a number of seconds`);
  return seconds * 1000;
}

/** `ssl_verify`: false, true, or the path of a file with certificates to trust. */
export function trustOption(options: RemoteOptions): boolean | string {
  const value = textOption(options, 'ssl_verify');
  if (value === undefined) return true;
  return /^(true|false|yes|no|on|off|1|0)$/i.test(value) ? (flagOption(options, 'ssl_verify') ?? true) : value;
}

/** The certificates in the file that `ssl_verify` names. @throws MlopsError `remote_misconfigured`. */
export function trusted(trust: boolean | string): boolean | Buffer {
  if (typeof trust === 'boolean') return trust;
  try {
    return fs.readFileSync(trust);
  } catch (error) {
    throw misconfigured(`the certificates in '${trust}' cannot be read`, error);
  }
}

export function misconfigured(what: string, cause?: unknown): MlopsError {
  return new MlopsError('remote_misconfigured', what, {
    hint: 'see `mlops config --list` and change it with `mlops remote modify`',
    cause,
  });
}
