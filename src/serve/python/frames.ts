import type { Dtype } from '../../model/index.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';
import { tensorFromBytes, tensorToBytes } from '../wire/tensor-binary.ts';

/** A frame of the pipe to a Python process: JSON, and tensors as raw bytes. */
export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly tensors: Tensors;
}

interface TensorHead {
  readonly name: string;
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly size: number;
}

/**
 * The bytes of a frame: two little-endian uint32 (bytes of the header, bytes of the payload), the header as JSON with a
 * list `tensors` of {name, dtype, dims, size}, and the values of each as the v2 protocol's binary extension has them.
 */
export function frameBytes(header: Readonly<Record<string, unknown>>, tensors: Tensors): Buffer {
  const blobs: Buffer[] = [];
  const heads: TensorHead[] = [];
  let payload = 0;
  for (const name of Object.keys(tensors)) {
    const tensor = tensors[name];
    if (tensor === undefined) continue;
    const blob = tensorToBytes(tensor);
    blobs.push(blob);
    heads.push({ name, dtype: tensor.dtype, dims: tensor.dims, size: blob.length });
    payload += blob.length;
  }
  const text = Buffer.from(JSON.stringify({ ...header, tensors: heads }));
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32LE(text.length, 0);
  sizes.writeUInt32LE(payload, 4);
  return Buffer.concat([sizes, text, ...blobs]);
}

/** Puts frames together from the pieces in which they come. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes that the next step needs. */
  #wanted = 8;

  /** @returns the frames that are whole now. @throws MlopsError `invalid_input` for bytes that make no tensor. */
  push(piece: Buffer): Frame[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const frames: Frame[] = [];
    while (this.#held >= this.#wanted) {
      const bytes = this.#pieces.length === 1 ? (this.#pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces);
      const text = bytes.readUInt32LE(0);
      const end = 8 + text + bytes.readUInt32LE(4);
      this.#pieces = [bytes];
      this.#wanted = end;
      if (bytes.length < end) break;
      frames.push(readFrame(bytes.subarray(8, 8 + text), bytes.subarray(8 + text, end)));
      this.#pieces = [bytes.subarray(end)];
      this.#held = bytes.length - end;
      this.#wanted = 8;
    }
    return frames;
  }
}

function readFrame(text: Buffer, payload: Buffer): Frame {
  const { tensors: heads = [], ...header } = JSON.parse(text.toString('utf8')) as { tensors?: TensorHead[] };
  const tensors = noTensors();
  let at = 0;
  for (const { name, dtype, dims, size } of heads) {
    tensors[name] = tensorFromBytes(payload.subarray(at, at + size), dtype, dims, name);
    at += size;
  }
  return { header, tensors };
}
