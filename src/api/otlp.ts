import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Shell } from '../http/index.ts';
import { invalid, readOtlp, readOtlpJson, type ReceivedSpan } from '../mlflow/index.ts';
import type { TraceStore } from '../tracking/index.ts';

/** OpenTelemetry's own way to send spans (OTLP over HTTP); the header `x-mlflow-experiment-id` says where to. */
export function addOtlp(shell: Shell, prefix: string, store: TraceStore): void {
  shell.post(`${prefix}/v1/traces`, { config: { scope: 'write', errors: mlflowErrorBody } }, async (request, reply) => {
    const experiment = request.headers['x-mlflow-experiment-id'];
    if (typeof experiment !== 'string' || experiment === '') {
      throw invalid("Missing header 'x-mlflow-experiment-id'");
    }
    const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
    const spans = read(type.trim(), request.body);
    await store.logSpans(experiment, spans);
    const run = request.headers['x-mlflow-run-id'];
    if (typeof run === 'string' && run !== '') {
      const roots = new Set(spans.filter((span) => span.parentId === undefined).map((span) => `tr-${span.traceId}`));
      for (const id of roots) await store.addTraceMetadata(id, { key: 'mlflow.sourceRun', value: run });
    }
    // An empty ExportTraceServiceResponse: everything was taken.
    if (type === 'application/json') return reply.type('application/json').send('{}');
    return reply.type('application/x-protobuf').send(Buffer.alloc(0));
  });
}

function read(type: string, body: unknown): readonly ReceivedSpan[] {
  if (!Buffer.isBuffer(body)) throw new MlopsError('bad_request', 'Invalid OpenTelemetry format');
  if (type === 'application/x-protobuf') return readOtlp(body);
  if (type === 'application/json') {
    try {
      return readOtlpJson(JSON.parse(body.toString('utf8')));
    } catch (error) {
      if (error instanceof MlopsError) throw error;
      throw new MlopsError('bad_request', 'Invalid OpenTelemetry format', { cause: error });
    }
  }
  throw new MlopsError(
    'bad_request',
    `Invalid Content-Type: ${type}. Expected: application/x-protobuf or application/json`,
  );
}
