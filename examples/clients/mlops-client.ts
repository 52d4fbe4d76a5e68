/**
 * Asks a server of models (`mlops serve`). One file, nothing to install: copy it into your application. For Node 20 and
 * later, Deno, Bun and browsers.
 *
 *     const mlops = new MlopsClient('http://127.0.0.1:5001', { model: 'iris' });
 *
 *     const { outputs, labels, prediction_id } = await mlops.predict({ X: [[5.1, 3.5, 1.4, 0.2]] });
 *     const found = await mlops.predict({ image: await readFile('skin.jpg') }, { model: 'detector' });
 *     found.outputs.boxes[0]; // [{ label, score, box }, ...]
 *     const { ranking } = await mlops.similarity({ query: { text: 'a cat' }, candidates: { text: ['a dog', 'the market'] } });
 *     await mlops.feedback(prediction_id, { label: 'setosa' }); // when the truth is known
 *
 * What the server refuses is an `MlopsError` with its status, its code and the place in the request.
 */

/** A value of a request. Bytes and files are pictures; typed arrays are lists of numbers. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Blob
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | readonly Value[];

/** Values by the names of inputs, columns, texts or pictures. */
export type Inputs = Readonly<Record<string, Value>>;

/** One thing that a detector found. */
export interface Box {
  readonly label: string;
  readonly score: number;
  /** As `format` of serving.yaml says: x1 y1 x2 y2, x y width height, or shares of the picture. */
  readonly box: readonly [number, number, number, number];
  readonly polygon?: unknown;
  readonly keypoints?: unknown;
}

export interface Prediction<Outputs = Readonly<Record<string, unknown>>> {
  readonly outputs: Outputs;
  /** One for each row, where the model has labels. */
  readonly labels?: readonly string[];
  /** Of each row, best first. */
  readonly top?: readonly (readonly { readonly label: string; readonly score: number }[])[];
  readonly units?: Readonly<Record<string, string>>;
  readonly model: string;
  readonly model_version: string;
  /** Versions of the members of an ensemble. */
  readonly members?: Readonly<Record<string, string>>;
  /** Of the traffic rule by which the version was chosen. */
  readonly arm?: string;
  /** By which `feedback` names it. */
  readonly prediction_id: string;
  readonly latency_ms: number;
}

export interface Similarity {
  /** Of one query against candidates. */
  readonly scores?: readonly number[];
  /** Candidates by their place, best first. */
  readonly ranking?: readonly number[];
  /** Of every row with every row. */
  readonly similarity?: readonly (readonly number[])[];
  readonly output: string;
  readonly model: string;
  readonly model_version: string;
  readonly prediction_id: string;
}

export type Comparison =
  | { readonly query: Inputs; readonly candidates: Inputs }
  /** Two rows or more. */
  | { readonly inputs: Inputs };

export interface Asking {
  readonly model?: string;
  readonly version?: string;
  /** Answers only these outputs. */
  readonly outputs?: readonly string[];
  /** More headers: a sticky key, `x-request-id`, `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Feedback {
  /** What turned out to be true; 0, 1 and booleans are an outcome. */
  readonly label?: boolean | number | string;
  readonly reward?: number;
  readonly comment?: string;
}

export interface ClientOptions {
  /** For calls that name none. */
  readonly model?: string;
  readonly version?: string;
  /** API key. */
  readonly key?: string;
  /** Milliseconds from request to answer. Default: 30,000. */
  readonly timeout?: number;
  /** Tries again so often when the server is full, restarts or cannot be reached. Default: 2. */
  readonly retries?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** What the server refused, or (status 0) why it could not be asked. */
export class MlopsError extends Error {
  override readonly name = 'MlopsError';
  readonly status: number;
  readonly code: string;
  /** Where in the request: `inputs.X[0][1]`. */
  readonly path: string | undefined;
  readonly hint: string | undefined;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    facts: { status: number; code: string; path?: unknown; hint?: unknown; requestId?: unknown; cause?: unknown },
  ) {
    super(message, { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.path = textOf(facts.path);
    this.hint = textOf(facts.hint);
    this.requestId = textOf(facts.requestId);
  }
}

export class MlopsClient {
  readonly #url: string;
  readonly #options: ClientOptions;

  /** @param url of the server, with its path prefix if it has one. */
  constructor(url: string, options: ClientOptions = {}) {
    this.#url = url.replace(/\/$/, '');
    this.#options = options;
  }

  /**
   * Predicts for one row or several.
   *
   * @throws MlopsError
   */
  async predict<Outputs = Readonly<Record<string, unknown>>>(
    inputs: Inputs,
    asking: Asking = {},
  ): Promise<Prediction<Outputs>> {
    const body = {
      inputs: await plainOf(inputs),
      ...(asking.outputs === undefined ? {} : { outputs: asking.outputs }),
    };
    return (await this.#post('/predict', body, asking)) as Prediction<Outputs>;
  }

  /** Compares embeddings: one with many, or all with each other. @throws MlopsError */
  async similarity(comparison: Comparison, asking: Asking = {}): Promise<Similarity> {
    const entries: [string, Inputs][] = Object.entries(comparison);
    const body = Object.fromEntries(
      await Promise.all(entries.map(async ([key, rows]) => [key, await plainOf(rows)] as const)),
    );
    return (await this.#post('/predict/similarity', body, asking)) as Similarity;
  }

  /** Says what turned out to be true for a prediction. @throws MlopsError */
  async feedback(
    predictionId: string,
    feedback: Feedback,
    asking: Pick<Asking, 'headers' | 'signal'> = {},
  ): Promise<void> {
    await this.#ask('/feedback', { prediction_id: predictionId, ...feedback }, asking);
  }

  /** What is served, and what each model takes and gives. @throws MlopsError */
  async models(): Promise<
    readonly { readonly name: string; readonly version: string | null; readonly state: string }[]
  > {
    const { models } = (await this.#ask('/models/info', undefined, {})) as { models: [] };
    return models;
  }

  /** True when the server can answer. Never throws. */
  async ready(): Promise<boolean> {
    return this.#ask('/readyz', undefined, {}).then(
      () => true,
      () => false,
    );
  }

  #post(path: string, body: object, asking: Asking): Promise<unknown> {
    const query = new URLSearchParams();
    const model = asking.model ?? this.#options.model;
    const version = asking.version ?? (asking.model === undefined ? this.#options.version : undefined);
    if (model !== undefined) query.set('model', model);
    if (version !== undefined) query.set('model_version', version);
    return this.#ask(query.size === 0 ? path : `${path}?${query.toString()}`, body, asking);
  }

  async #ask(
    path: string,
    body: object | undefined,
    { headers, signal }: Pick<Asking, 'headers' | 'signal'>,
  ): Promise<unknown> {
    const { key, retries = 2 } = this.#options;
    const init: RequestInit = {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body, digitsOf) }),
    };
    for (let tries = 0; ; tries++) {
      try {
        return await this.#once(path, init, signal);
      } catch (error) {
        const again =
          error instanceof MlopsError && (error.status === 503 || error.status === 0) && signal?.aborted !== true;
        if (!again || tries >= retries) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * 4 ** tries));
      }
    }
  }

  async #once(path: string, init: RequestInit, signal: AbortSignal | undefined): Promise<unknown> {
    const { fetch = globalThis.fetch, timeout = 30_000 } = this.#options;
    const late = AbortSignal.timeout(timeout);
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(this.#url + path, {
        ...init,
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      });
      text = await answer.text();
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const code = late.aborted ? 'timeout' : 'unreachable';
      const why = late.aborted ? `no answer within ${timeout} ms` : (error as Error).message;
      // A request that took too long is not sent again: the server may still be at it.
      throw new MlopsError(`${this.#url}: ${why}`, { status: late.aborted ? 408 : 0, code, cause: error });
    }
    const said = parsed(text);
    if (answer.ok) return said;
    const { error = {}, request_id: requestId } = said as { error?: Record<string, unknown>; request_id?: unknown };
    const message = textOf(error['message']) ?? (text.slice(0, 300) || answer.statusText);
    const { path: place, hint } = error;
    throw new MlopsError(message, {
      status: answer.status,
      code: textOf(error['code']) ?? 'unknown',
      path: place,
      hint,
      requestId,
    });
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}

/** NaN and infinities as the texts that the server reads for them. */
function digitsOf(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

async function plainOf(inputs: Inputs): Promise<Record<string, unknown>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(inputs).map(async ([name, value]) => [name, await plain(value)] as const)),
  );
}

/** Pictures as base64, typed arrays as lists; bigints that a number holds as such. */
async function plain(value: Value): Promise<unknown> {
  if (value instanceof Blob) return base64(new Uint8Array(await value.arrayBuffer()));
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'bigint') return exact(value);
  if (value instanceof BigInt64Array) return Array.from(value, exact);
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (!Array.isArray(value)) return value;
  return Promise.all((value as readonly Value[]).map(plain));
}

function exact(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new MlopsError(`${value} is too large for a number of JSON`, { status: 0, code: 'invalid_input' });
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 32_768) binary += String.fromCodePoint(...bytes.subarray(at, at + 32_768));
  return btoa(binary);
}
