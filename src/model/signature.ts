import type { OnnxModel, OnnxValue } from './onnx.ts';
import { numpyName, wireShape, type Dim, type Dtype, type TensorInfo } from './tensor-types.ts';

/** MLflow's signature: JSON texts as they stand inside MLmodel. */
export interface Signature {
  readonly inputs: string;
  readonly outputs: string;
  readonly params: string | undefined;
}

/**
 * Inputs as tensors; undefined when one of them is no tensor onnxruntime-node takes. An optional tensor is taken as
 * that tensor, which the caller must give.
 */
export function servableInputs(model: OnnxModel): TensorInfo[] | undefined {
  const tensors = model.inputs.map(takenAs);
  return tensors.some((tensor) => tensor === undefined) ? undefined : (tensors as TensorInfo[]);
}

/** The first input that onnxruntime-node cannot take. */
export function unservableInput(model: OnnxModel): OnnxValue | undefined {
  return model.inputs.find((input) => takenAs(input) === undefined);
}

function takenAs(input: OnnxValue): TensorInfo | undefined {
  return asTensor(input) ?? insideOptional(input);
}

/** Outputs that can be answered. A ZipMap's output counts as the float tensor that serving makes of it. */
export function servableOutputs(model: OnnxModel): TensorInfo[] {
  return model.outputs.flatMap((output) => {
    const tensor = asTensor(output) ?? unzipped(output, model);
    return tensor === undefined ? [] : [tensor];
  });
}

/** The first output that cannot be answered: a sequence or map that no ZipMap made, or a type of element that has no kernel. */
export function unservableOutput(model: OnnxModel): OnnxValue | undefined {
  // The type that a file leaves out is found by the runtime when it loads the model.
  return model.outputs.find(
    (output) => output.type !== 'unknown' && (asTensor(output) ?? unzipped(output, model)) === undefined,
  );
}

function asTensor(value: OnnxValue): TensorInfo | undefined {
  if (value.dtype === undefined) return undefined;
  return { name: value.name, dtype: value.dtype, dims: value.dims };
}

function insideOptional({ name, type, inner }: OnnxValue): TensorInfo | undefined {
  return type.startsWith('optional(') && inner !== undefined ? asTensor({ name, ...inner }) : undefined;
}

function unzipped(value: OnnxValue, model: OnnxModel): TensorInfo | undefined {
  if (!model.hasZipMap || !value.type.startsWith('sequence(map(')) return undefined;
  return { name: value.name, dtype: 'float32', dims: ['N', model.classes.get(value.name)?.length ?? ''] };
}

/**
 * The signature of a graph in MLflow's tensor form. A ZipMap output has no tensor spec in MLflow (Python
 * gets a list of dicts), so it is left out of the outputs.
 */
export function deriveSignature(model: OnnxModel): Signature | undefined {
  const inputs = servableInputs(model);
  if (inputs === undefined) return undefined;
  const outputs = model.outputs.flatMap((output) => asTensor(output) ?? []);
  return { inputs: specs(inputs), outputs: specs(outputs), params: undefined };
}

/** JSON with Python's separators, as `json.dumps` writes it. */
function specs(tensors: readonly TensorInfo[]): string {
  const items = tensors.map(({ name, dtype, dims }) => {
    const shape = wireShape(dims).join(', ');
    return `{"name": ${JSON.stringify(name)}, "type": "tensor", "tensor-spec": {"dtype": "${numpyName(dtype)}", "shape": [${shape}]}}`;
  });
  return `[${items.join(', ')}]`;
}

/** More values than this make no example that a person could read. */
const exampleLimit = 20_000;

/**
 * An input that the model takes, one row of zeros (or empty-looking text), as nested lists by input name;
 * free sizes are 1. Undefined where it would be too large.
 */
export function deriveExample(model: OnnxModel): Readonly<Record<string, unknown>> | undefined {
  const inputs = servableInputs(model);
  if (inputs === undefined || inputs.length === 0) return undefined;
  const total = inputs.reduce((sum, input) => sum + sizes(input.dims).reduce((a, b) => a * b, 1), 0);
  if (total > exampleLimit) return undefined;
  return Object.fromEntries(inputs.map((input) => [input.name, filled(sizes(input.dims), exampleValue(input.dtype))]));
}

function sizes(dims: readonly Dim[] | undefined): number[] {
  return dims === undefined ? [1] : dims.map((dim) => (typeof dim === 'number' ? dim : 1));
}

function filled(shape: readonly number[], value: unknown): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return value;
  return Array.from({ length: size }, () => filled(rest, value));
}

function exampleValue(dtype: Dtype): unknown {
  if (dtype === 'string') return 'example';
  return dtype === 'bool' ? false : 0;
}
