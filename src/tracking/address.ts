import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';

/** Refuses `HOST:PORT` without a scheme. Throws `invalid_value`. */
export function refuseBareHost(given: string): void {
  if (!/^(?:\[[\da-f:]+\]|[\w.-]+):\d{1,5}(?:\/|$)/i.test(given) && given !== 'localhost') return;
  throw new MlopsError('invalid_value', `'${given}' lacks a scheme`, { hint: `did you mean http://${given}?` });
}

/**
 * Refuses what people type for a store's file and is none, before anything is made: a folder (MLflow's file store), a
 * slip that names nothing, a place that holds no files.
 *
 * @throws MlopsError `invalid_value` with the command or the address that was meant.
 */
export function checkStoreFile(file: string, given: string): void {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) throw fileStore(file, given);
  if (stat !== undefined) return;
  if (path.extname(file) === '' && !given.startsWith('sqlite:')) {
    throw new MlopsError('invalid_value', `there is no tracking store '${given}'`, {
      hint: 'a new one is named sqlite:///PATH.db, a server http://HOST:PORT',
    });
  }
  const ancestor = existing(path.dirname(file));
  if (isKernelFolder(ancestor)) {
    throw new MlopsError('invalid_value', `'${given}' cannot be made: '${ancestor}' holds no files`, {
      hint: 'name a path on a disk, sqlite:///PATH.db',
    });
  }
}

function fileStore(folder: string, given: string): MlopsError {
  const experiments = fs.readdirSync(folder).some((name) => fs.existsSync(path.join(folder, name, 'meta.yaml')));
  const inside = path.join(folder, '.mlops', 'mlops.db');
  if (fs.existsSync(inside)) {
    return new MlopsError('invalid_value', `'${given}' is a folder; its store is the file in it`, {
      hint: `sqlite:///${inside}`,
    });
  }
  const what = experiments ? 'is a file store of MLflow, which mlops does not write to' : 'is a folder, not a store';
  return new MlopsError('invalid_value', `'${given}' ${what}`, {
    hint: experiments
      ? `copy it once with \`mlops migrate mlflow ${given}\`, then leave the address out`
      : `a store is a file: sqlite:///${path.join(folder, 'mlops.db')}`,
  });
}

function existing(folder: string): string {
  let at = folder;
  while (!fs.existsSync(at) && path.dirname(at) !== at) at = path.dirname(at);
  return at;
}

/** /proc and /sys: making folders there never ends on some versions of Node. */
function isKernelFolder(folder: string): boolean {
  const kinds = [0x9fa0, 0x62656572];
  return process.platform === 'linux' && kinds.includes(fs.statfsSync(folder).type);
}

/** Takes the password, and what could be one, out of an URI. */
export function withoutPassword(uri: string): string {
  return uri.replace(/^([a-z0-9+.-]+:\/\/)[^/?#]*@/i, '$1').replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1***');
}
