import { createHash } from 'node:crypto';

import type { Prediction } from '../running/predict.ts';
import type { VersionFacts } from '../running/served-version.ts';
import type { Tensor, Tensors } from '../wire/tensor.ts';
import { tensorToBytes } from '../wire/tensor-binary.ts';
import { tensorToJson } from '../wire/tensor-json.ts';

/** Tensors of more values than this are logged as a hash. */
const valuesLimit = 256;

/** What the log says of a request: ids by which other logs know it. */
export interface LoggedRequest {
  readonly id: string;
  readonly trace: { readonly traceId: string } | undefined;
}

/** A prediction as a line of the prediction log; see `PredictionRecord`. */
export function predictionLine(
  prediction: Prediction,
  id: string,
  request: LoggedRequest,
  redact: ReadonlySet<string>,
): string {
  const { version, arm, feeds, outputs, labels, latency, fetches } = prediction;
  const { ref } = version;
  let line = `{"kind":"prediction","id":"${id}","at":${Date.now()},"model":${JSON.stringify(ref.name)}`;
  line += `,"version":${JSON.stringify(ref.version)},"md5":"${version.md5}"`;
  if (arm !== undefined) line += `,"arm":${JSON.stringify(arm)}`;
  if (ref.runId !== undefined) line += `,"run_id":${JSON.stringify(ref.runId)}`;
  line += `,"inputs":${tensorsText(feeds, Object.keys(feeds), redact)}`;
  line += `,"outputs":${tensorsText(outputs, fetches, hidden(version, redact))}`;
  if (labels !== undefined && labels.length <= valuesLimit) line += `,"labels":${JSON.stringify(labels)}`;
  line += `,"latency_ms":${Math.round(latency * 1000) / 1000},"request_id":${JSON.stringify(request.id)}`;
  if (request.trace !== undefined) line += `,"trace_id":"${request.trace.traceId}"`;
  return `${line}}`;
}

/** An output that serving.yaml renames is blackened under both names, whichever of them was asked for. */
function hidden(version: VersionFacts, redact: ReadonlySet<string>): ReadonlySet<string> {
  const sources = version.processing?.output?.sources;
  if (sources === undefined || redact.size === 0) return redact;
  const pairs = [...sources].filter(([name, source]) => redact.has(name) || redact.has(source));
  return new Set([...redact, ...pairs.flat()]);
}

function tensorsText(tensors: Tensors, names: readonly string[], redact: ReadonlySet<string>): string {
  let text = '{';
  for (const name of names) {
    const tensor = tensors[name];
    if (tensor === undefined) continue;
    if (text.length > 1) text += ',';
    text += `${JSON.stringify(name)}:${redact.has(name) ? '"[redacted]"' : valueText(tensor)}`;
  }
  return `${text}}`;
}

function valueText(tensor: Tensor): string {
  // A tensor without values may still have many rows.
  const lists = tensor.dims.slice(0, -1).reduce((a, b) => a * b, 1);
  if (tensor.data.length <= valuesLimit && lists <= valuesLimit) return tensorToJson(tensor);
  const hash = createHash('md5').update(tensorToBytes(tensor)).digest('hex');
  return `{"md5":"${hash}","dtype":"${tensor.dtype}","shape":[${tensor.dims.join(',')}]}`;
}
