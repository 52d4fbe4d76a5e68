import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readOtlp, readOtlpJson } from './otlp.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

function varint(value: number): Buffer {
  const out: number[] = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return Buffer.from([...out, value]);
}

function field(number: number, wire: number, content: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | wire), content]);
}

function bytes(number: number, content: Buffer | string): Buffer {
  const buffer = Buffer.from(content);
  return field(number, 2, Buffer.concat([varint(buffer.length), buffer]));
}

function time(number: number, nanoseconds: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(nanoseconds);
  return field(number, 1, buffer);
}

/** One span with an attribute of each kind that matters. */
function request(): Buffer {
  const text = bytes(9, Buffer.concat([bytes(1, 'k'), bytes(2, bytes(1, 'v'))]));
  const negative = bytes(
    9,
    Buffer.concat([
      bytes(1, 'n'),
      bytes(2, field(3, 0, Buffer.from([255, 255, 255, 255, 255, 255, 255, 255, 255, 1]))),
    ]),
  );
  const span = Buffer.concat([
    bytes(1, Buffer.from(traceId, 'hex')),
    bytes(2, Buffer.from(spanId, 'hex')),
    bytes(5, 'call'),
    time(7, 1_795_248_486_035_123_456n),
    time(8, 1_795_248_486_036_000_000n),
    text,
    negative,
    bytes(15, field(3, 0, Buffer.from([2]))),
    // A field that no release has yet.
    bytes(20, 'later'),
  ]);
  return bytes(1, Buffer.concat([bytes(1, ''), bytes(2, bytes(2, span))]));
}

describe('OTLP', () => {
  it('reads spans of protobuf', () => {
    expect(readOtlp(request())).toMatchObject([
      {
        traceId,
        spanId,
        parentId: undefined,
        name: 'call',
        start: 1_795_248_486_035.123,
        end: 1_795_248_486_036,
        failed: true,
        json: {
          trace_id: Buffer.from(traceId, 'hex').toString('base64'),
          span_id: Buffer.from(spanId, 'hex').toString('base64'),
          name: 'call',
          start_time_unix_nano: '1795248486035123456',
          end_time_unix_nano: '1795248486036000000',
          attributes: [
            { key: 'k', value: { string_value: 'v' } },
            { key: 'n', value: { int_value: -1 } },
            { key: 'mlflow.traceRequestId', value: { string_value: `tr-${traceId}` } },
          ],
          status: { code: 2 },
        },
      },
    ]);
  });

  it('reads the same in JSON', () => {
    const [span] = readOtlpJson({
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ traceId, spanId, name: 'call', startTimeUnixNano: '1000000', endTimeUnixNano: '3000000' }] },
          ],
        },
      ],
    });
    expect(span).toMatchObject({ traceId, spanId, name: 'call', start: 1, end: 3, failed: false });
  });

  it('refuses what is no such message, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(() => readOtlp(noise)).toThrow('Invalid OpenTelemetry format');
      }),
    );
    fc.assert(
      fc.property(fc.nat(request().length - 1), (length) => {
        expect(() => readOtlp(request().subarray(0, length))).toThrow('Invalid OpenTelemetry format');
      }),
    );
  });
});
