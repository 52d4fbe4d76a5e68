import * as fs from 'node:fs';
import { Readable } from 'node:stream';

import type { BlobStore } from '../port/blob-store.ts';
import { checkKey, directoryPrefix, notFound } from '../port/keys.ts';

/** A store that lives in the process: for tests of what stands on the port, and for dry runs. */
export function memoryStore(url = 'memory://'): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  const get = (key: string): Uint8Array => {
    const content = blobs.get(checkKey(key));
    if (content === undefined) throw notFound(key, url);
    return content;
  };
  const put = (key: string, content: Uint8Array): void => {
    blobs.set(checkKey(key), Uint8Array.from(content));
  };
  return {
    kind: 'memory',
    url,
    exists: async (key) => blobs.has(key),
    async *list(prefix, options) {
      const start = directoryPrefix(prefix) + (options?.beginning ?? '');
      for (const [key, content] of blobs) if (key.startsWith(start)) yield { key, size: content.length };
    },
    read: async (key) => Uint8Array.from(get(key)),
    async open(key, options = {}) {
      const content = get(key);
      const part = content.subarray(options.start ?? 0, options.end === undefined ? undefined : options.end + 1);
      return { stream: Readable.from([Buffer.from(part)]), size: part.length };
    },
    async write(key, content, options) {
      options?.signal?.throwIfAborted();
      put(key, content);
      options?.onBytes?.(content.length);
    },
    async writeStream(key, content, options) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk as Uint8Array);
      options?.signal?.throwIfAborted();
      put(key, Buffer.concat(chunks));
    },
    async upload(file, key, options) {
      options?.signal?.throwIfAborted();
      const content = fs.readFileSync(file);
      put(key, content);
      options?.onBytes?.(content.length);
    },
    async download(key, file, options) {
      options?.signal?.throwIfAborted();
      const content = get(key);
      fs.writeFileSync(file, content, { flag: 'wx' });
      options?.observe?.()(content);
      options?.onBytes?.(content.length);
    },
    async remove(keys) {
      for (const key of keys) blobs.delete(key);
    },
    close: async () => undefined,
  };
}
