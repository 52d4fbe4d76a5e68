import { noTensors, type Tensor, type Tensors } from './tensor.ts';

/** So many texts are handed from thread to thread in one piece of memory: as texts, each would be copied by itself. */
const many = 32 * 1024;

export function hasPacked(tensors: Tensors): boolean {
  for (const name in tensors) if (tensors[name]?.packed !== undefined) return true;
  return false;
}

/** Puts many texts into memory that can be handed over. */
export function packTexts(tensors: Tensors): Tensors {
  return changed(tensors, (tensor) => {
    const { data } = tensor;
    if (!Array.isArray(data) || data.length <= many) return tensor;
    const lengths = Uint32Array.from(data, (one) => one.length);
    const text = new Uint16Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const one of data) for (let i = 0; i < one.length; i++) text[at++] = one.charCodeAt(i);
    return { ...tensor, data: [], packed: { text, lengths } };
  });
}

/** The texts again. */
export function unpackTexts(tensors: Tensors): Tensors {
  return changed(tensors, ({ packed, ...tensor }) => {
    if (packed === undefined) return tensor;
    const whole = Buffer.from(packed.text.buffer, packed.text.byteOffset, packed.text.byteLength);
    let at = 0;
    const data = Array.from(packed.lengths, (length) => whole.toString('utf16le', at, (at += 2 * length)));
    return { ...tensor, data };
  });
}

function changed(tensors: Tensors, change: (tensor: Tensor) => Tensor): Tensors {
  const results = noTensors();
  for (const name of Object.keys(tensors)) {
    const tensor = tensors[name];
    if (tensor !== undefined) results[name] = change(tensor);
  }
  return results;
}

/** The memory of tensors that can be handed over. */
export function buffersOf(tensors: Tensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data, packed } of Object.values(tensors)) {
    const views = packed === undefined ? [data] : [packed.text, packed.lengths];
    for (const view of views) {
      if (!Array.isArray(view) && view.byteLength === view.buffer.byteLength) buffers.add(view.buffer as ArrayBuffer);
    }
  }
  return [...buffers];
}
