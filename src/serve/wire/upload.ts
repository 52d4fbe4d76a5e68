import { MlopsError } from '../../base/index.ts';
import type { Dtype } from '../../model/index.ts';
import { looksLikeFile } from '../../pictures/index.ts';
import { mediaType, strictUtf8 } from './body-text.ts';
import type { Json, JsonObject } from './json-reader.ts';

/** A body of files: fields of a form as texts, and files by the name of their field; '' where the body is the file. */
export interface Upload {
  readonly fields: JsonObject;
  readonly files: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** Parts of a form at most. */
const mostParts = 1_024;

/**
 * True for a body that holds files and not JSON: a form, or a file by its content type. Bytes of a file under another
 * content type count too, since no JSON starts like that.
 */
export function isUpload(body: Uint8Array, contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  if (type === 'multipart/form-data' || type.startsWith('image/')) return true;
  // The cheap answer for what nearly all bodies are.
  const [first] = body;
  if (first === 0x7b || first === 0x5b) return false;
  return type === 'application/octet-stream' || looksLikeFile(body);
}

/** @throws MlopsError `bad_request` for a form that cannot be read. */
export function readUpload(body: Buffer, contentType: string | undefined): Upload {
  if (mediaType(contentType) !== 'multipart/form-data') return { fields: {}, files: new Map([['', [body]]]) };
  return readForm(body, boundaryOf(contentType ?? ''));
}

/** The value of a field, which is a text in a form; where numbers are taken it holds them as JSON. */
export function fieldValue(value: Json, dtype: Dtype): Json {
  if (typeof value !== 'string' || dtype === 'string') return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

function boundaryOf(contentType: string): string {
  const boundary = parameter(contentType, 'boundary');
  if (boundary === undefined || boundary === '' || boundary.length > 200)
    throw broken('its content type names no boundary');
  return boundary;
}

/** A parameter of a header, in quotes or not. */
function parameter(header: string, name: string): string | undefined {
  for (const part of splitParameters(header).slice(1)) {
    const at = part.indexOf('=');
    if (at < 0 || part.slice(0, at).trim().toLowerCase() !== name) continue;
    const value = part.slice(at + 1).trim();
    return value.startsWith('"') ? unquoted(value) : value;
  }
  return undefined;
}

/** At semicolons outside of quotes. */
function splitParameters(header: string): string[] {
  const parts: string[] = [];
  let [start, quoted] = [0, false];
  for (let at = 0; at < header.length; at++) {
    const char = header[at];
    if (char === '"') quoted = !quoted;
    else if (char === '\\' && quoted) at++;
    else if (char === ';' && !quoted) {
      parts.push(header.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, header.slice(start)];
}

/** Browsers write a quote as %22, others with a backslash. */
function unquoted(value: string): string {
  const end = value.endsWith('"') && value.length > 1 ? -1 : undefined;
  return value
    .slice(1, end)
    .replaceAll(/\\(["\\])/g, '$1')
    .replaceAll('%22', '"');
}

function readForm(body: Buffer, boundary: string): Upload {
  const fields: Record<string, Json> = Object.create(null) as JsonObject;
  const files = new Map<string, Uint8Array[]>();
  const line = Buffer.from(`--${boundary}`, 'latin1');
  const between = Buffer.concat([Buffer.from('\r\n'), line]);
  let at = body.indexOf(line);
  if (at < 0) throw broken('it has no part');
  at += line.length;
  for (let parts = 0; body.toString('latin1', at, at + 2) !== '--'; parts++) {
    if (parts >= mostParts) throw broken(`it has more than ${mostParts} parts`);
    const headEnd = body.indexOf('\r\n\r\n', at);
    const end = headEnd < 0 ? -1 : body.indexOf(between, headEnd + 2);
    if (end < 0) throw broken('it ends before its last boundary');
    const { name, isFile } = headOf(body.toString('utf8', at, headEnd));
    // A part of no bytes: its end follows the empty line at once.
    const content = body.subarray(Math.min(headEnd + 4, end), end);
    if (isFile) files.set(name, [...(files.get(name) ?? []), content]);
    else addField(fields, name, textOf(content, name));
    at = end + between.length;
  }
  return { fields, files };
}

function headOf(head: string): { name: string; isFile: boolean } {
  const disposition = head.split('\r\n').find((one) => /^content-disposition\s*:/i.test(one)) ?? '';
  const name = parameter(disposition, 'name');
  if (name === undefined) throw broken('a part has no name');
  return {
    name,
    isFile: parameter(disposition, 'filename') !== undefined || parameter(disposition, 'filename*') !== undefined,
  };
}

function textOf(content: Buffer, name: string): string {
  const text = strictUtf8(content);
  if (typeof text === 'string') return text;
  throw broken(`its field '${name.slice(0, 100)}' is no text in UTF-8; send files with a file name`);
}

function addField(fields: Record<string, Json>, name: string, text: string): void {
  const before = fields[name];
  fields[name] = before === undefined ? text : [...(Array.isArray(before) ? before : [before]), text];
}

function broken(why: string): MlopsError {
  return new MlopsError('bad_request', `the form cannot be read: ${why}`, {
    hint: 'for example: curl -F image=@photo.jpg URL',
  });
}
