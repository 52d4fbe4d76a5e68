/** Wire types of protocol buffers; groups (3, 4) do not occur in what is read here: ONNX, OpenTelemetry. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** One field of a message. `start..end` is the content, `from..end` the field with its tag. */
export interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

/** Bytes that are no protocol buffer; the caller says whose. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/**
 * Walks the fields of the message in `bytes[start..end)` without copying: nested messages are skipped by
 * their length and read by a second call on their range.
 *
 * @throws ProtobufError on a truncated or malformed field.
 */
export function* fields(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Field> {
  let position = start;
  while (position < end) {
    const from = position;
    const tag = readVarint(bytes, position, end);
    const number = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    if (number === 0) throw new ProtobufError(`field number 0 at byte ${from}`);
    const content = contentRange(bytes, tag.next, end, wireType, from);
    yield { number, wireType, from, start: content.start, end: content.end };
    position = content.end;
  }
}

function contentRange(bytes: Uint8Array, at: number, end: number, wireType: number, from: number) {
  let start = at;
  let length: number;
  if (wireType === wire.varint) length = readVarint(bytes, at, end).next - at;
  else if (wireType === wire.fixed64) length = 8;
  else if (wireType === wire.fixed32) length = 4;
  else if (wireType === wire.bytes) {
    const prefix = readVarint(bytes, at, end);
    start = prefix.next;
    length = prefix.value;
  } else throw new ProtobufError(`wire type ${wireType} at byte ${from}`);
  if (start + length > end) throw new ProtobufError(`a field of ${length} bytes at byte ${from} runs past the end`);
  return { start, end: start + length };
}

/** A varint as a number: lengths, tags and small values. Values beyond 2^53 lose digits, see `bigVarint`. */
function readVarint(bytes: Uint8Array, start: number, end: number): { value: number; next: number } {
  let value = 0;
  let factor = 1;
  for (let i = start; i < end && i < start + 10; i++) {
    const byte = bytes[i] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: i + 1 };
    factor *= 128;
  }
  throw new ProtobufError(`unfinished number at byte ${start}`);
}

/** The value of an int32, int64 or enum field, as far as it is a safe integer (negative ones included). */
export function intOf(bytes: Uint8Array, field: Field): number {
  return Number(bigOf(bytes, field));
}

/** The exact value of an int64 field. */
function bigOf(bytes: Uint8Array, field: Field): bigint {
  return BigInt.asIntN(64, unsignedOf(bytes, field));
}

/** The value of a uint64 or bool field, or of an int64 one before its sign. */
export function unsignedOf(bytes: Uint8Array, field: Field): bigint {
  if (field.wireType !== wire.varint) throw new ProtobufError(`field ${field.number} should be a number`);
  return bigVarint(bytes, field.start);
}

function bigVarint(bytes: Uint8Array, start: number): bigint {
  let value = 0n;
  let shift = 0n;
  for (let i = start; ; i++) {
    const byte = bytes[i] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
    shift += 7n;
  }
}

/** Values of a `repeated int64` field, packed or not. */
export function bigsOf(bytes: Uint8Array, field: Field): bigint[] {
  if (field.wireType === wire.varint) return [bigOf(bytes, field)];
  requireBytes(field);
  const values: bigint[] = [];
  for (let at = field.start; at < field.end;) {
    values.push(BigInt.asIntN(64, bigVarint(bytes, at)));
    at = readVarint(bytes, at, field.end).next;
  }
  return values;
}

const utf8 = new TextDecoder('utf-8');

export function protobufText(bytes: Uint8Array, field: Field): string {
  requireBytes(field);
  return utf8.decode(bytes.subarray(field.start, field.end));
}

/** The fields of a nested message. */
export function fieldsOf(bytes: Uint8Array, field: Field): Generator<Field> {
  requireBytes(field);
  return fields(bytes, field.start, field.end);
}

function requireBytes(field: Field): void {
  if (field.wireType !== wire.bytes) throw new ProtobufError(`field ${field.number} should be text or a message`);
}

/** Encodes a length-delimited field: a string, bytes or a nested message. */
export function bytesField(number: number, content: Uint8Array | string): Uint8Array {
  const body = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint(number * 8 + wire.bytes), varint(body.length), body]);
}

/** Encodes a number field; `value` is a non-negative safe integer. */
export function varintField(number: number, value: number): Uint8Array {
  return Buffer.concat([varint(number * 8 + wire.varint), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) + 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
