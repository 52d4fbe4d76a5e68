import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type ErrorRenderer, type Shell } from '../http/index.ts';
import { readOtlp, readOtlpJson, type ReceivedSpan } from '../mlflow/index.ts';
import type { TraceStore } from '../tracking/index.ts';

const header = 'x-mlflow-experiment-id';

/** What is wrong with the message itself is told as by FastAPI, on which MLflow has this route. */
const errors: ErrorRenderer = (failure) =>
  failure.code === 'bad_request' || failure.code === 'unprocessable'
    ? { detail: failure.data?.['detail'] ?? failure.message }
    : mlflowErrorBody(failure);

/** OpenTelemetry's own way to send spans (OTLP over HTTP); the header `x-mlflow-experiment-id` says where to. */
export function addOtlp(shell: Shell, prefix: string, store: TraceStore): void {
  shell.post(`${prefix}/v1/traces`, { config: { scope: 'write', errors } }, async (request, reply) => {
    const experiment = request.headers[header];
    if (typeof experiment !== 'string') {
      const detail = [{ type: 'missing', loc: ['header', header], msg: 'Field required', input: null }];
      throw new MlopsError('unprocessable', `the header '${header}' is missing`, { data: { detail } });
    }
    const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
    const spans = read(type.trim(), request.body);
    if (spans.length > 0) await store.logSpans(experiment, spans);
    const run = request.headers['x-mlflow-run-id'];
    const complete = spans.filter((span) => span.parentId === undefined).map((span) => `tr-${span.traceId}`);
    if (typeof run === 'string' && run !== '' && complete.length > 0) await store.linkTraces(complete, run);
    // An empty ExportTraceServiceResponse: everything was taken. MLflow answers so to JSON, too.
    return reply.type('application/x-protobuf').send(Buffer.alloc(0));
  });
}

function read(type: string, body: unknown): readonly ReceivedSpan[] {
  if (type !== 'application/x-protobuf' && type !== 'application/json') {
    const expected = 'Expected: application/x-protobuf or application/json';
    throw new MlopsError('bad_request', `Invalid Content-Type: ${type === '' ? 'None' : type}. ${expected}`);
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (type === 'application/x-protobuf') return readOtlp(bytes);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new MlopsError('bad_request', 'Invalid OpenTelemetry format', { cause: error });
  }
  return readOtlpJson(json);
}
