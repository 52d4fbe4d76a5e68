import type * as grpc from '@grpc/grpc-js';

import { MlopsError } from '../../base/index.ts';
import type { Control } from '../cluster/control.ts';
import { pictureRows } from '../protocols/picture-rows.ts';
import { readV2Inputs, v2Metadata, type V2Outputs } from '../protocols/v2-protocol.ts';
import type { Prediction, Predictor } from '../running/predict.ts';
import type { Repository } from '../running/repository.ts';
import type { Router } from '../running/router.ts';
import type { TraceContext } from '../../http/index.ts';
import type { SampledRows } from '../../monitor/index.ts';
import { callerOf, statusOf, unary, type Caller, type CallParts } from './calls.ts';
import { inferMessage, readInferMessage, type InferRequest, type InferResponse } from './infer-message.ts';

/** What the calls share with the routes of HTTP. */
export interface InferenceParts extends CallParts {
  readonly repository: Repository;
  readonly router: Router;
  readonly predictor: Predictor;
  readonly serverVersion: string;
  ready(): boolean;
  /** Counts and logs an answered prediction; returns its id. */
  record(
    prediction: Prediction,
    request: { readonly id: string; readonly trace: TraceContext | undefined },
    rows?: () => SampledRows | undefined,
  ): string;
}

interface ModelVersion {
  readonly name: string;
  readonly version: string;
}

/** Answers of one stream that are on their way at most; then its client waits. */
const mostInStream = 64;

/** The state of a model for who asks whether it is ready; undefined: there is none. */
export function modelReady(
  { repository, draining }: InferenceParts,
  name: string,
  version: string,
): boolean | undefined {
  const served = repository.models.get(name);
  if (served === undefined) return undefined;
  if (draining) return false;
  // A model that is loaded when first asked for is ready to be asked.
  return version === '' ? served.state === 'READY' || served.state === 'UNLOADED' : served.versions.has(version);
}

/** The calls of the Open Inference Protocol, over the router, the checks, the numbers and the log of the HTTP routes. */
export function inferenceService(parts: InferenceParts, control: Control) {
  const { repository } = parts;
  const extensions = ['model_repository', 'classification'];
  return {
    ServerLive: unary(parts, 'public', () => ({ live: true })),
    ServerReady: unary(parts, 'public', () => ({ ready: parts.ready() })),
    ModelReady: unary(parts, 'public', ({ name, version }: ModelVersion) => ({
      ready: modelReady(parts, name, version) ?? false,
    })),
    ServerMetadata: unary(parts, 'public', () => ({ name: 'mlops', version: parts.serverVersion, extensions })),
    ModelMetadata: unary(parts, 'predict', async ({ name, version }: ModelVersion) => {
      const loaded = await repository.version(name, orNone(version));
      return { ...v2Metadata(loaded), versions: [...repository.model(name).versions.keys()] };
    }),
    ModelInfer: unary(parts, 'predict', (request: InferRequest, caller) => infer(parts, request, caller)),
    ModelStreamInfer: streamInfer(parts),
    RepositoryIndex: unary(parts, 'predict', ({ ready }: { ready: boolean }) => ({
      models: [...repository.models.values()]
        .map((model) => ({
          name: model.spec.name,
          version: model.current?.ref.version ?? '',
          state: model.state === 'READY' || model.state === 'LOADING' ? model.state : 'UNAVAILABLE',
          reason: model.reason,
        }))
        .filter(({ state }) => !ready || state === 'READY'),
    })),
    RepositoryModelLoad: unary(
      parts,
      'admin',
      async ({ model_name: name, parameters }: { model_name: string; parameters: object }) => {
        if (Object.keys(parameters).length > 0) {
          throw new MlopsError('bad_request', 'models cannot be sent with a load request', {
            hint: 'put the model where the server finds it, or register it, and load it by name',
          });
        }
        await control.load(name);
        return {};
      },
    ),
    RepositoryModelUnload: unary(parts, 'admin', async ({ model_name: name }: { model_name: string }) => {
      await control.unload(name);
      return {};
    }),
  };
}

function orNone(text: string): string | undefined {
  return text === '' ? undefined : text;
}

async function infer(parts: InferenceParts, request: InferRequest, caller: Caller): Promise<InferResponse> {
  const { model_name: model, model_version: version, id } = request;
  const lease = await parts.router.lease({ model: orNone(model), version: orNone(version), headers: caller.headers });
  try {
    let outputs: V2Outputs | undefined;
    const prediction = await parts.predictor.predict({
      lease,
      read: (served) => {
        const { outputs: asked, ...inputs } = readV2Inputs(served, readInferMessage(request));
        outputs = asked;
        return { ...inputs, fetches: asked.fetches };
      },
      gone: () => caller.gone(),
    });
    const predictionId = parts.record(prediction, caller, pictureRows(prediction));
    if (outputs === undefined) throw new Error('a prediction without outputs');
    return inferMessage(prediction, outputs, { id, predictionId });
  } finally {
    lease.release();
  }
}

/** Requests of a stream run side by side and are answered in their order; one that fails does not end the stream. */
function streamInfer(parts: InferenceParts): grpc.handleBidiStreamingCall<InferRequest, object> {
  return (call) => {
    const caller = callerOf(call, parts.newId);
    try {
      parts.verify?.(caller, 'predict');
    } catch (error) {
      const { code, details } = statusOf(error, caller, parts);
      call.emit('error', { code, details });
      return;
    }
    let last: Promise<void> = Promise.resolve();
    let open = 0;
    call.on('data', (request: InferRequest) => {
      if (++open >= mostInStream) call.pause();
      const started = performance.now();
      const answering = infer(parts, request, { ...caller, id: parts.newId() }).then(
        (response) => ({ failure: undefined, answer: { error_message: '', infer_response: response } }),
        (error: unknown) => {
          const { failure, details } = statusOf(error, caller, parts);
          return { failure, answer: { error_message: details, infer_response: { id: request.id } } };
        },
      );
      const before = last;
      last = (async () => {
        await before;
        const { failure, answer } = await answering;
        const milliseconds = performance.now() - started;
        parts.answered({ id: caller.id, path: call.getPath(), failure, milliseconds, remote: call.getPeer() });
        if (!call.cancelled) call.write(answer);
        open--;
        call.resume();
      })();
    });
    call.on('end', () => void last.then(() => call.end()));
  };
}
