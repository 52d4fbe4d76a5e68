import * as fs from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';

import { messageOf, MlopsError } from '../base/index.ts';

/** Files in PEM. The certificate comes first, those that signed it after it. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws MlopsError `usage` for files that cannot be read, or do not belong together. */
export function readTls(files: TlsFiles): TlsPair {
  try {
    const pair = { cert: fs.readFileSync(files.cert), key: fs.readFileSync(files.key) };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new MlopsError('usage', `'${files.cert}' and '${files.key}' do not make TLS: ${messageOf(error)}`, {
      hint: 'both are PEM files, and the key is that of the first certificate',
      cause: error,
    });
  }
}

/** How often the files are looked at, in milliseconds. */
const lookEvery = 2000;

/**
 * Takes a new certificate when its files change; connections that are there stay as they are. While the files do not
 * fit together (one was written, the other not yet) the old pair is used on.
 *
 * @returns what ends it.
 */
export function followTls(server: Server, files: TlsFiles, onTrouble: (line: string) => void): () => void {
  let last = stampOf(files);
  let said = '';
  const timer = setInterval(() => {
    const stamp = stampOf(files);
    if (stamp === last) return;
    try {
      server.setSecureContext(readTls(files));
      last = stamp;
      said = '';
    } catch (error) {
      const text = messageOf(error);
      if (text !== said) onTrouble(`the old certificate stays: ${text}`);
      said = text;
    }
  }, lookEvery).unref();
  return () => clearInterval(timer);
}

function stampOf({ cert, key }: TlsFiles): string {
  const stat = (file: string): string => {
    const found = fs.statSync(file, { throwIfNoEntry: false });
    return found === undefined ? 'none' : `${found.mtimeMs}/${found.size}/${found.ino}`;
  };
  return `${stat(cert)} ${stat(key)}`;
}
