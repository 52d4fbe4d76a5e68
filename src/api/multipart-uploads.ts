import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';

import { isMlopsError, MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Request, type Shell } from '../http/index.ts';
import { decodeOnce, Fields, invalid, newArtifactName, readBody, type Json } from '../mlflow/index.ts';
import type { DirectAccess } from '../storage/index.ts';
import { temporaryPrefix, type ArtifactStore } from '../tracking/index.ts';

/** S3's bound, which MLflow's client keeps to. */
const mostParts = 10_000;
/** A body of `complete` names each part with its address. */
const bodyLimit = 16 * 1024 * 1024;

/** An upload that is under way. Its note and its parts lie among the artifacts, where no listing shows them. */
interface Upload {
  /** Where the whole file goes. */
  readonly target: string;
  readonly parts: number;
}

/**
 * Uploads in parts, as MLflow's client sends large files when it is told to: `create` answers an address for each
 * part, the parts come side by side, `complete` makes them one file. All is kept in the artifact store itself, so
 * that it is the same on disk and on S3 and survives a restart.
 *
 * @param root `/api/2.0` with what precedes it.
 */
export function addMultipartUploads(proxy: Shell, root: string, all: () => ArtifactStore): void {
  const options = { bodyLimit, config: { scope: 'write', errors: mlflowErrorBody } } as const;
  const base = `${root}/mlflow-artifacts/mpu`;
  const post = (verb: string, act: (request: Request, fields: Fields, target: string) => Promise<Json>): void => {
    const handle = async (request: Request): Promise<Json> => {
      const fields = readBody(await bytesOf(request));
      const [url = ''] = (request.raw.url ?? '').split('?', 1);
      const folder = decodeOnce(url.slice(`${base}/${verb}`.length)).replace(/^\//, '');
      return act(request, fields, newArtifactName(`${folder}/${baseName(fields.need('path'))}`.replace(/^\/+/, '')));
    };
    for (const url of [`${base}/${verb}`, `${base}/${verb}/*`]) {
      proxy.post(url, options, async (request, reply) =>
        reply.header('content-type', 'application/json').send(JSON.stringify(await handle(request))),
      );
    }
  };
  post('create', async (request, fields, target) => {
    const parts = fields.integer('num_parts') ?? 1;
    if (parts < 1 || parts > mostParts) {
      throw invalid(
        `Invalid value ${parts} for parameter 'num_parts' supplied: an upload has 1 to ${mostParts} parts.`,
      );
    }
    const { direct } = all();
    if (direct !== undefined) return directUpload(direct, target, parts);
    const id = randomUUID();
    await all().put(noteOf(id), Buffer.from(JSON.stringify({ target, parts } satisfies Upload)));
    const address = `${originOf(request)}${base}/part/${id}`;
    // The parts come without the client's own credentials, so they are handed back to it.
    const { authorization } = request.headers;
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const credentials = Array.from({ length: parts }, (_, i) => ({
      url: `${address}/${i + 1}`,
      part_number: i + 1,
      headers,
    }));
    return { upload_id: id, credentials };
  });
  proxy.put(`${base}/part/:id/:part`, options, async (request, reply) => {
    const { id = '', part = '' } = request.params as Record<string, string>;
    const { parts } = await uploadOf(all(), id);
    const number = Number(part);
    if (!/^\d{1,5}$/.test(part) || number < 1 || number > parts) throw invalid(`This upload has parts 1 to ${parts}.`);
    await all().put(partOf(id, number), bodyOf(request));
    return reply.header('etag', (await etagOf(all(), partOf(id, number))) ?? `"${number}"`).send();
  });
  post('complete', async (_, fields, target) => {
    const id = fields.need('upload_id');
    const { direct } = all();
    if (direct !== undefined) {
      await direct.finishUpload(target, id, sentParts(fields));
      return {};
    }
    const upload = await uploadOf(all(), id, target);
    const given = fields.messages('parts').map((part) => ({
      number: part.integer('part_number') ?? 0,
      etag: part.text('etag'),
    }));
    if (given.length === 0) throw fields.missing('parts');
    const numbers = given.map(({ number }) => number).toSorted((a, b) => a - b);
    if (numbers.length !== upload.parts || numbers.some((number, i) => number !== i + 1)) {
      throw invalid(`The upload has the parts 1 to ${upload.parts}, and the request names ${numbers.join(', ')}.`);
    }
    for (const { number, etag } of given) {
      const known = await etagOf(all(), partOf(id, number));
      if (known === undefined) throw invalid(`Part ${number} of the upload was never sent.`);
      if (etag !== undefined && etag !== '' && etag !== known) throw invalid(`Part ${number} has the etag ${known}.`);
    }
    await all().put(target, Readable.from(joined(all(), id, upload.parts), { objectMode: false }));
    await all().remove(folderOf(id));
    return {};
  });
  post('abort', async (_, fields, target) => {
    const id = fields.need('upload_id');
    const { direct } = all();
    if (direct !== undefined) {
      await direct.abortUpload(target, id);
      return {};
    }
    await uploadOf(all(), id, target);
    await all().remove(folderOf(id));
    return {};
  });
}

/** Seconds for which the addresses of parts are good: all are made at the beginning, and lines are slow. */
const partSeconds = 12 * 60 * 60;

/** The parts go to the object store itself. */
async function directUpload(direct: DirectAccess, target: string, parts: number): Promise<Json> {
  const id = await direct.beginUpload(target);
  const credentials: Json[] = [];
  for (let part = 1; part <= parts; part++) {
    const url = await direct.partAddress(target, id, part, partSeconds);
    credentials.push({ url, part_number: part, headers: {} });
  }
  return { upload_id: id, credentials };
}

function sentParts(fields: Fields): { readonly number: number; readonly etag: string }[] {
  const parts = fields.messages('parts').map((part) => ({
    number: part.integer('part_number') ?? 0,
    etag: (part.text('etag') ?? '').replaceAll('"', ''),
  }));
  if (parts.length === 0) throw fields.missing('parts');
  return parts.toSorted((a, b) => a.number - b.number);
}

/** The body as a stream. What fails at the other end must not take the connection along: it is to carry the answer. */
export function bodyOf(request: Request): Readable {
  return Readable.from(request.raw.iterator({ destroyOnReturn: false }), { objectMode: false });
}

async function bytesOf(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += (chunk as Buffer).length;
    if (size > bodyLimit) throw new MlopsError('body_too_large', `the body is larger than ${bodyLimit} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** The client sends the path that the file has on its machine. */
function baseName(path: string): string {
  return path.split(/^[a-z]:\\|^\\\\/i.test(path) ? /[\\/]/ : '/').at(-1) ?? '';
}

/** How the client reached this server, also through a proxy that ends TLS. */
function originOf(request: Request): string {
  const forwarded = request.headers['x-forwarded-proto'];
  const proto = typeof forwarded === 'string' && /^https?$/.test(forwarded) ? forwarded : request.protocol;
  return `${proto}://${request.headers.host ?? ''}`;
}

function folderOf(id: string): string {
  return `${temporaryPrefix}mpu-${id}`;
}

function noteOf(id: string): string {
  return `${folderOf(id)}/${temporaryPrefix}note`;
}

function partOf(id: string, number: number): string {
  return `${folderOf(id)}/${temporaryPrefix}part-${number}`;
}

async function uploadOf(store: ArtifactStore, id: string, target?: string): Promise<Upload> {
  const unknown = new MlopsError('resource_missing', `There is no upload '${id.slice(0, 100)}' under way.`);
  if (!/^[0-9a-f-]{36}$/.test(id)) throw unknown;
  const note = await store.get(noteOf(id)).catch((error: unknown) => {
    throw isMlopsError(error, 'resource_missing') ? unknown : error;
  });
  const fields = new Fields(JSON.parse(Buffer.from(note).toString('utf8')) as Record<string, unknown>);
  const upload = { target: fields.need('target'), parts: fields.integer('parts') ?? 1 };
  if (target !== undefined && target !== upload.target) throw invalid(`Upload '${id}' is one of another file.`);
  return upload;
}

async function etagOf(store: ArtifactStore, name: string): Promise<string | undefined> {
  try {
    const { stream, etag, size } = await store.open(name);
    stream.destroy();
    return etag ?? `"${size}"`;
  } catch (error) {
    if (isMlopsError(error, 'resource_missing')) return undefined;
    throw error;
  }
}

async function* joined(store: ArtifactStore, id: string, parts: number): AsyncGenerator<Buffer> {
  for (let number = 1; number <= parts; number++) {
    for await (const chunk of (await store.open(partOf(id, number))).stream) yield chunk as Buffer;
  }
}
