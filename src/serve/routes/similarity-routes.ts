import { MlopsError } from '../../base/index.ts';
import type { Request, Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import { type Json, isObject, type JsonObject } from '../wire/json-reader.ts';
import { optionalText } from '../protocols/envelope.ts';
import { nativeRows, readNativeInputs, readObject } from '../protocols/native-protocol.ts';
import type { Lease } from '../running/router.ts';
import { boundEarly, leaseFor, queryTarget, takeLease } from './binding.ts';
import { invalid } from '../wire/tensor-json.ts';
import { cosineMatrix, cosinesOfFirst, embeddingOutput } from './similarity.ts';

/** Every row with every row: the answer grows with their square, and is computed on the server's own thread. */
const matrixLimit = 1_000;

/**
 * `POST /predict/similarity`: `{"inputs": ...}` of two or more rows answers their cosine matrix;
 * `{"query": ..., "candidates": ...}` one against many, best first.
 */
export function addSimilarityRoutes(shell: Shell, context: ServingContext): void {
  const predicts = { config: { scope: 'predict' as const }, onRequest: boundEarly(context.router, queryTarget) };
  shell.post('/predict/similarity', predicts, async (request) => {
    let lease = takeLease(request);
    try {
      const target = queryTarget(request);
      const body = readObject(request.body, context.anyExactIntegers(), request.headers['content-type']);
      lease = await leaseFor(context.router, lease, {
        model: target.model ?? optionalText(body, 'model'),
        version: target.version ?? optionalText(body, 'model_version'),
        headers: target.headers,
      });
      return await similarity(context, request, lease, body);
    } finally {
      lease?.release();
    }
  });
}

async function similarity(context: ServingContext, request: Request, lease: Lease, body: JsonObject) {
  const against = Object.hasOwn(body, 'candidates');
  if (against !== Object.hasOwn(body, 'query')) {
    const absent = against ? 'query' : 'candidates';
    throw invalid(absent, "'query' and 'candidates' together, or 'inputs' of two or more rows", `no '${absent}'`);
  }
  const inputs = against ? stacked(body['query'] ?? null, body['candidates'] ?? null) : (body['inputs'] ?? null);
  const output = optionalText(body, 'output');
  const prediction = await context.predictor.predict({
    lease,
    read: (version) => {
      const { feeds } = readNativeInputs(version, { inputs });
      if (version.processing?.output !== undefined) return { feeds };
      return { feeds, fetches: [embeddingOutput(version, version.outputs, output)] };
    },
    processed: true,
  });
  const made = Object.entries(prediction.outputs).map(([name, { dtype, dims }]) => ({ name, dtype, dims }));
  const name = embeddingOutput(prediction.version, made, output);
  const tensor = prediction.outputs[name];
  const rows = tensor?.dims[0] ?? 0;
  if (tensor === undefined || rows < 2) {
    throw new MlopsError('invalid_input', 'two or more rows are needed to compare', { data: { path: 'inputs' } });
  }
  if (!against && rows > matrixLimit) throw invalid('inputs', `at most ${matrixLimit} rows`, `${rows}`);
  const { ref } = prediction.version;
  const facts = {
    output: name,
    model: ref.name,
    model_version: ref.version,
    prediction_id: context.record(prediction, request, () =>
      nativeRows(prediction.version, { inputs }, undefined, prediction.feeds),
    ),
  };
  if (!against) return { similarity: cosineMatrix(tensor), ...facts };
  const scores = cosinesOfFirst(tensor);
  const ranking = scores.map((_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  return { scores, ranking, ...facts };
}

/** The query as the first row above the candidates: lists, or objects of lists by input name. */
function stacked(query: Json, candidates: Json): Json {
  if (isObject(query) && isObject(candidates)) {
    const joined = Object.create(null) as JsonObject;
    const own = (values: JsonObject, key: string): Json => (Object.hasOwn(values, key) ? (values[key] ?? null) : null);
    for (const key of Object.keys({ ...query, ...candidates })) {
      joined[key] = stacked(own(query, key), own(candidates, key));
    }
    return joined;
  }
  if (!Array.isArray(candidates)) {
    throw new MlopsError('invalid_input', 'candidates: expected a list of rows', { data: { path: 'candidates' } });
  }
  // A query may come as one row or as a list of one row.
  const depth = (value: Json | undefined): number => (Array.isArray(value) ? 1 + depth(value[0]) : 0);
  if (depth(query) !== depth(candidates) || !Array.isArray(query)) return [query, ...candidates];
  if (query.length !== 1) throw invalid('query', 'one row', `${query.length} rows`);
  return [...query, ...candidates];
}
