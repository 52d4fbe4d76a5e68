import type { Dtype, MlModel, TensorInfo } from '../../model/index.ts';

/** How requests reach a Python model, and what reading them needs to know. */
export interface PythonFacts {
  /**
   * `columns`: a table, each column a tensor [N]; `tensors`: arrays; `json`: the request as it came, for models without
   * a signature or with columns that no tensor holds.
   */
  readonly mode: 'columns' | 'tensors' | 'json';
  readonly inputs: readonly TensorInfo[];
  /** Its signature has parameters. */
  readonly params: boolean;
}

/** The name under which a request in JSON goes to Python, and that of its parameters. */
export const requestInput = '__request__';
export const paramsInput = '__params__';

/** How MLflow writes what a model returned: as nested lists, records of columns, an object of arrays, or other JSON. */
export type PythonShape = 'array' | 'records' | 'columns' | 'rows' | 'json';

/** True for outputs that are texts of JSON. */
export function holdsJson(shape: PythonShape | undefined): boolean {
  return shape === 'rows' || shape === 'json';
}

/** MLflow's types of columns that a tensor holds. */
const columnTypes: Readonly<Record<string, Dtype>> = {
  boolean: 'bool',
  integer: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  string: 'string',
};

/** numpy's names of element types. */
const tensorTypes: Readonly<Record<string, Dtype>> = {
  ...{ float16: 'float16', float32: 'float32', float64: 'float64', bool: 'bool', object: 'string', str: 'string' },
  ...{ int8: 'int8', int16: 'int16', int32: 'int32', int64: 'int64' },
  ...{ uint8: 'uint8', uint16: 'uint16', uint32: 'uint32', uint64: 'uint64' },
};

interface Spec {
  readonly name?: string;
  readonly type?: unknown;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly 'tensor-spec'?: { readonly dtype?: string; readonly shape?: readonly number[] };
}

/** What the signature of a model says of its requests. */
export function pythonFacts({ signature }: Pick<MlModel, 'signature'>): PythonFacts {
  const params = signature?.params !== undefined && listOf(signature.params).length > 0;
  const specs = listOf(signature?.inputs);
  const inputs = specs.map((spec) => inputOf(spec, specs.length));
  if (inputs.length === 0 || inputs.some((input) => input === undefined)) return { mode: 'json', inputs: [], params };
  const mode = specs[0]?.type === 'tensor' ? 'tensors' : 'columns';
  return { mode, inputs: inputs as TensorInfo[], params };
}

/** The outputs that the signature names, where a tensor holds them. */
export function declaredOutputs({ signature }: Pick<MlModel, 'signature'>): TensorInfo[] {
  const specs = listOf(signature?.outputs);
  const outputs = specs.map((spec) =>
    inputOf(specs.length === 1 ? { name: 'predictions', ...spec } : spec, specs.length),
  );
  return outputs.some((output) => output === undefined) ? [] : (outputs as TensorInfo[]);
}

function listOf(text: string | undefined): Spec[] {
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  return Array.isArray(value) ? (value as Spec[]) : [];
}

function inputOf(spec: Spec, count: number): TensorInfo | undefined {
  if (spec.type === 'tensor') {
    const { dtype = '', shape = [] } = spec['tensor-spec'] ?? {};
    const known = tensorTypes[/^<?U\d*$/.test(dtype) ? 'str' : dtype];
    if (known === undefined || shape.length === 0 || (spec.name === undefined && count > 1)) return undefined;
    const dims = shape.map((size, axis) => (size >= 0 ? size : axis === 0 ? 'N' : `D${axis}`));
    return { name: spec.name ?? 'input', dtype: known, dims };
  }
  const dtype = typeof spec.type === 'string' ? columnTypes[spec.type] : undefined;
  const needed = spec.required !== false && spec.optional !== true;
  if (spec.name === undefined || dtype === undefined || !needed) return undefined;
  return { name: spec.name, dtype, dims: ['N'] };
}
