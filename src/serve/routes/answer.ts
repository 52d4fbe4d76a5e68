import type { Request } from '../../http/index.ts';
import { writeAnswer, type AnswerForm, type Exchange, type ExchangeInputs } from '../protocols/exchange.ts';
import type { Written } from '../protocols/exchange-messages.ts';
import { pictureRows } from '../protocols/picture-rows.ts';
import { hasPacked } from '../wire/packed-texts.ts';
import type { Lease } from '../running/router.ts';
import type { ServedVersion } from '../running/served-version.ts';
import { noTensors } from '../wire/tensor.ts';
import type { ServingContext } from './context.ts';

/** By what a request is answered, and what it wants. */
export interface Wanted {
  /** Released by who took it. */
  readonly lease: Lease;
  /** Keys of the body that named the model. */
  readonly said?: ReadonlySet<string>;
  /** Apply the outputs part of serving.yaml. */
  readonly processed?: boolean;
}

export interface Answered {
  readonly body: string | Buffer;
  /** Bytes of the JSON part, where raw tensors follow it. */
  readonly jsonLength: number | undefined;
  readonly predictionId: string;
}

/** Predicts for a request and writes the answer: here, or in another thread where it is large. */
export async function answer(
  context: ServingContext,
  request: Request,
  exchange: Exchange,
  { lease, said, processed = false }: Wanted,
): Promise<Answered> {
  let form: AnswerForm = { protocol: 'native' };
  let rows: ExchangeInputs['rows'];
  let elsewhere: { written: Promise<Written>; predictionId: string } | undefined;
  const keep = (inputs: ExchangeInputs): ExchangeInputs => {
    ({ form, rows } = inputs);
    return inputs;
  };
  const prediction = await context.predictor.predict({
    lease,
    processed,
    read: (served) => {
      const inputs = exchange.read(served, said, context.predictionLog !== undefined);
      return inputs instanceof Promise ? inputs.then(keep) : keep(inputs);
    },
    gone: () => request.raw.socket.destroyed,
    writeElsewhere: (run, elapsed) => {
      const packed = hasPacked(run.feeds) || hasPacked(run.raw);
      if (!packed && !context.threads.isLarge(run.raw)) return undefined;
      const { predictionId, log } = context.recordElsewhere(lease.arm, request, rows ?? pictureRows(run));
      const needed = log !== undefined || (processed && run.version.processing?.output !== undefined);
      const feeds = needed ? run.feeds : noTensors();
      const written = context.threads.write({ ...run, arm: lease.arm, feeds, form, predictionId, elapsed, log });
      elsewhere = { written, predictionId };
      return written.then(({ answers }) => answers);
    },
  });
  if (elsewhere !== undefined) {
    const { body, jsonLength, line } = await elsewhere.written;
    context.shadows.pass(lease.arm);
    context.append(line);
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { body: bytes, jsonLength, predictionId: elsewhere.predictionId };
  }
  if (prediction.arm?.copy !== undefined) {
    const read = (shadow: ServedVersion) => exchange.read(shadow, said, false);
    context.shadows.offer({ prediction, read, processed });
  }
  const predictionId = context.record(prediction, request, rows ?? pictureRows(prediction));
  const { json, binary } = writeAnswer(form, prediction, predictionId);
  if (binary.length === 0) return { body: json, jsonLength: undefined, predictionId };
  const head = Buffer.from(json);
  return { body: Buffer.concat([head, ...binary]), jsonLength: head.length, predictionId };
}
