import { createHash } from 'node:crypto';
import { pipeline, Transform, type Readable } from 'node:stream';

import { MlopsError } from '../base/index.ts';
import { invalid } from '../mlflow/index.ts';
import type { ArtifactStore, ArtifactSums, OpenArtifact } from '../tracking/index.ts';

export interface ArtifactLimits {
  /** Most bytes of one file. */
  readonly size?: number | undefined;
  /** Most bytes of all files of one experiment. */
  readonly quota?: number | undefined;
}

/**
 * The files of a server with their digests: each is kept when a file comes, and compared when it is read whole, so that
 * what a disk has spoiled is not taken for a model. A file that was replaced behind the server's back is not compared.
 */
export function checkedArtifacts(store: ArtifactStore, sums: ArtifactSums, limits: ArtifactLimits): ArtifactStore {
  const room = async (name: string): Promise<number> => {
    const { size = Infinity, quota } = limits;
    if (quota === undefined) return size;
    const experiment = name.split('/', 1)[0] ?? '';
    return Math.min(size, quota - (await sums.usage(experiment)));
  };
  const note = async (name: string, size: number, sha256: string): Promise<void> => {
    const { stream, etag = '' } = await store.open(name);
    stream.destroy();
    await sums.putSum(name, { size, sha256, etag });
  };
  const { direct } = store;
  return {
    ...store,
    put: async (name, content) => {
      if (name.startsWith('.mlops-tmp-')) return store.put(name, content);
      const bound = await room(name);
      if (content instanceof Uint8Array) {
        if (content.length > bound) throw tooLarge(limits);
        await store.put(name, content);
        return note(name, content.length, createHash('sha256').update(content).digest('hex'));
      }
      const measured = measure(content, bound, limits);
      await store.put(name, measured.stream);
      return note(name, measured.size(), measured.sha256());
    },
    open: async (name, range) => {
      const opened = await store.open(name, range);
      if (range !== undefined) return opened;
      const sum = await sums.getSum(name);
      const known = sum !== undefined && sum.sha256 !== '' && sum.etag === (opened.etag ?? '');
      return known ? { ...opened, stream: compared(opened, name, sum.sha256) } : opened;
    },
    remove: async (name) => {
      await store.remove(name);
      await sums.removeSums(name);
    },
    ...(direct === undefined
      ? {}
      : {
          direct: {
            ...direct,
            finishUpload: async (name, upload, parts) => {
              const size = (await direct.uploadedParts(name, upload)).reduce((sum, part) => sum + part.size, 0);
              if (size > (await room(name))) {
                await direct.abortUpload(name, upload);
                throw tooLarge(limits);
              }
              await direct.finishUpload(name, upload, parts);
              await note(name, size, '');
            },
          },
        }),
  };
}

function tooLarge({ size, quota }: ArtifactLimits): MlopsError {
  const bounds = [
    ...(size === undefined ? [] : [`a file has at most ${size} bytes`]),
    ...(quota === undefined ? [] : [`an experiment at most ${quota}`]),
  ];
  return new MlopsError('body_too_large', `the file is too large for this server: ${bounds.join(', ')}`, {
    hint: 'remove what is not needed (runs delete, runs gc), or ask who runs the server',
  });
}

/** Counts and digests what goes through; more than `bound` bytes break it off. */
function measure(
  content: Readable,
  bound: number,
  limits: ArtifactLimits,
): { readonly stream: Readable; size(): number; sha256(): string } {
  const hash = createHash('sha256');
  let size = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > bound) return done(tooLarge(limits));
      hash.update(chunk);
      done(null, chunk);
    },
  });
  pipeline(content, counter, () => undefined);
  return { stream: counter, size: () => size, sha256: () => hash.digest('hex') };
}

/** Breaks off before the end when the bytes are not those that were uploaded. */
function compared({ stream }: OpenArtifact, name: string, sha256: string): Readable {
  const hash = createHash('sha256');
  let last: Buffer | undefined;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      // One chunk stays behind until all are known: an answer without it is not whole.
      const before = last;
      last = chunk;
      done(null, before);
    },
    flush(done) {
      if (hash.digest('hex') === sha256) return done(null, last);
      done(new MlopsError('invalid_state', `'${name}' is not what was uploaded: its digest is another one`));
    },
  });
  pipeline(stream, check, () => undefined);
  return check;
}

/**
 * A body that must have the digest which its sender gives (`Content-Digest: sha-256=:...:` of RFC 9530, or
 * `Content-MD5`): another one breaks it off, so that nothing is stored.
 */
export function verifiedBody(
  body: Readable,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readable {
  const md5 = headers['content-md5'];
  const sha = /\bsha-256=:([A-Za-z0-9+/=]{44}):/.exec(String(headers['content-digest'] ?? ''))?.[1];
  const [algorithm, wanted] =
    sha === undefined ? ['md5', typeof md5 === 'string' ? md5.trim() : undefined] : ['sha256', sha];
  if (wanted === undefined) return body;
  const hash = createHash(algorithm);
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      if (hash.digest('base64') === wanted) return done();
      done(invalid(`The body does not have the ${algorithm} digest that the request gives: nothing was stored.`));
    },
  });
  pipeline(body, check, () => undefined);
  return check;
}
