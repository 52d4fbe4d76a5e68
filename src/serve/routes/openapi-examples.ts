import type { ServingContext } from './context.ts';
import { embeddingOutput } from './similarity.ts';
import type { ServedVersion } from '../running/served-version.ts';
import { dtypes, elementCount } from '../wire/tensor.ts';

export type Examples = Readonly<Record<string, { readonly value: unknown }>>;

type Inputs = Readonly<Record<string, unknown>>;

/** Requests that the loaded models take, by protocol and model: what `/docs` offers to send. */
export class RequestExamples {
  readonly #context: ServingContext;
  readonly #versions: readonly ServedVersion[];
  readonly #several: boolean;

  constructor(context: ServingContext, versions: readonly ServedVersion[]) {
    this.#context = context;
    this.#versions = versions;
    this.#several = context.repository.models.size > 1;
  }

  predict(): Examples {
    return this.#each((version) => {
      const inputs = this.#inputs(version);
      return inputs === undefined ? undefined : { ...this.#named(version), inputs };
    });
  }

  similarity(): Examples {
    return this.#each((version) => {
      const inputs = this.#inputs(version);
      if (inputs === undefined || !comparable(version)) return undefined;
      const entries = Object.entries(inputs);
      const query = Object.fromEntries(entries.map(([name, value]) => [name, firstRow(value)]));
      const candidates = Object.fromEntries(entries.map(([name, value]) => [name, [firstRow(value), firstRow(value)]]));
      return { ...this.#named(version), query, candidates };
    });
  }

  /** `/invocations` takes the model from the query. */
  invocations(): Examples {
    return this.#each((version) => {
      const inputs = this.#inputs(version);
      if (inputs === undefined) return undefined;
      return version.processing?.input === undefined ? { inputs } : { instances: [inputs] };
    });
  }

  /** The Open Inference Protocol takes the model from the path. */
  infer(): Examples {
    return this.#each((version) => {
      const inputs = version.inputs.map(({ name, dtype, dims }) => {
        const shape = (dims ?? [1]).map((dim) => (typeof dim === 'number' ? dim : 1));
        const value = dtype === 'string' ? 'text' : dtype === 'bool' ? false : 0;
        // Cut where it is too long: such an example is not shown.
        const count = Math.min(elementCount(shape), valuesLimit + 1);
        return { name, shape, datatype: dtypes[dtype].v2, data: Array.from({ length: count }, () => value) };
      });
      return inputs.reduce((sum, { data }) => sum + data.length, 0) > valuesLimit ? undefined : { inputs };
    });
  }

  #inputs(version: ServedVersion): Inputs | undefined {
    const example = this.#context.example(version) as { inputs: Inputs } | null;
    return example?.inputs;
  }

  #named(version: ServedVersion): object {
    return this.#several ? { model: version.ref.name } : {};
  }

  #each(make: (version: ServedVersion) => unknown): Examples {
    const made = this.#versions.map((version): [string, { value: unknown }] => [
      version.ref.name,
      { value: make(version) },
    ]);
    return Object.fromEntries(made.filter(([, { value }]) => value !== undefined));
  }
}

/** More values than this make no example that a person could read. */
const valuesLimit = 2_000;

/** A list of rows has a first one; what is no list is a row itself. */
function firstRow(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[])[0] : value;
}

/** True when several rows may come and the answer holds one vector for each. */
function comparable(version: ServedVersion): boolean {
  if (version.processing?.input?.kind === 'text') return true;
  if (version.processing?.output !== undefined) return false;
  if (!version.inputs.every(({ dims }) => typeof dims?.[0] === 'string')) return false;
  try {
    embeddingOutput(version, version.outputs, undefined);
    return true;
  } catch {
    return false;
  }
}
