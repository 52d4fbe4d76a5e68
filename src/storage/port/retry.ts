import { isMlopsError } from '../../base/index.ts';
import type { BlobStore, TransferOptions } from './blob-store.ts';
import { pause } from './pause.ts';

export interface RetryOptions {
  /** Tries in all, the first included. Default 5. */
  readonly attempts?: number;
  /** Upper bound of the first pause in milliseconds; doubles each time, at most 10 s. Default 200. */
  readonly firstPause?: number;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** Calls given up in a row, without one that succeeded between them, after which a remote counts as gone. */
const goneAfter = 8;

/**
 * Repeats what failed with `remote_unreachable`, with full jitter (a pause between 0 and a bound that
 * doubles). Once a remote counts as gone, calls are tried once, so that thousands of files do not wait for
 * it one after the other; the first success ends that. Streams that were handed out or taken in are not
 * repeated: they cannot be rewound.
 */
export function withRetry(store: BlobStore, options: RetryOptions = {}): BlobStore {
  const attempts = options.attempts ?? 5;
  let givenUp = 0;
  const repeat = async <T>(transfer: TransferOptions | undefined, work: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await work();
        givenUp = 0;
        return result;
      } catch (error) {
        if (!isMlopsError(error, 'remote_unreachable')) {
          givenUp = 0;
          throw error;
        }
        if (attempt >= attempts || givenUp >= goneAfter) {
          givenUp++;
          throw error;
        }
        const bound = Math.min(10_000, (options.firstPause ?? 200) * 2 ** (attempt - 1));
        await pause(bound, transfer?.signal, options.random);
      }
    }
  };
  const stat = store.stat?.bind(store);
  const listLevel = store.listLevel?.bind(store);
  return {
    kind: store.kind,
    url: store.url,
    ...(store.directory === undefined ? {} : { directory: store.directory }),
    ...(store.direct === undefined ? {} : { direct: store.direct }),
    exists: (key, o) => repeat(o, () => store.exists(key, o)),
    list: (prefix, o) => listAgain((again) => store.list(prefix, again), o, repeat),
    ...(stat === undefined ? {} : { stat: (key, o) => repeat(o, () => stat(key, o)) }),
    ...(listLevel === undefined
      ? {}
      : { listLevel: (prefix, o) => listAgain((again) => listLevel(prefix, again), o, repeat) }),
    read: (key, o) => repeat(o, () => store.read(key, o)),
    open: (key, o) => repeat(o, () => store.open(key, o)),
    write: (key, content, o) => repeat(o, () => store.write(key, content, o)),
    writeStream: (key, content, o) => store.writeStream(key, content, o),
    upload: (file, key, o) => repeat(o, () => counted(o, (counting) => store.upload(file, key, counting))),
    download: (key, file, o) => repeat(o, () => counted(o, (counting) => store.download(key, file, counting))),
    remove: (keys, o) => repeat(o, () => store.remove(keys, o)),
    close: () => store.close(),
  };
}

/** What a try that failed has moved is taken back: the next one moves it again. */
async function counted<Options extends TransferOptions>(
  options: Options | undefined,
  work: (options: Options | undefined) => Promise<void>,
): Promise<void> {
  if (options?.onBytes === undefined) return work(options);
  let moved = 0;
  const onBytes = (bytes: number): void => {
    moved += bytes;
    options.onBytes?.(bytes);
  };
  try {
    await work({ ...options, onBytes });
  } catch (error) {
    options.onBytes(-moved);
    throw error;
  }
}

/** A listing that breaks off is started again, so it is gathered before anything is yielded. */
async function* listAgain<Entry, Options extends TransferOptions>(
  list: (options: Options | undefined) => AsyncIterable<Entry>,
  options: Options | undefined,
  repeat: <T>(transfer: TransferOptions | undefined, work: () => Promise<T>) => Promise<T>,
): AsyncIterable<Entry> {
  const found = await repeat(options, async () => {
    const entries: Entry[] = [];
    for await (const entry of list(options)) entries.push(entry);
    return entries;
  });
  yield* found;
}
