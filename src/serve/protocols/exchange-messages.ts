import { MlopsError, isMlopsError, type ErrorCode } from '../../base/index.ts';
import type { ProcessingRecipe } from '../processing/steps.ts';
import type { Run } from '../running/finish.ts';
import type { Arm } from '../traffic/live-rule.ts';
import type { VersionFacts } from '../running/served-version.ts';
import type { VersionNumbers } from '../running/stats.ts';
import type { Tensors } from '../wire/tensor.ts';
import type { Route, RouteQuery } from './envelope.ts';
import type { SampledRows } from '../../monitor/index.ts';
import type { AnswerForm, Asked, ExchangeInputs } from './exchange.ts';
import type { LoggedRequest } from './log-line.ts';

/** What another thread is told of a version: data only. */
export type SentFacts = Omit<VersionFacts, 'processing'> & { readonly recipe: ProcessingRecipe | undefined };

export function factsOf(version: VersionFacts): SentFacts {
  const { ref, session, md5, inputs, optional, outputs, outputNames, labels, mlModel, processing, onnx } = version;
  const { python } = version;
  const edges = { inputs, optional, outputs, outputNames };
  const parts = { outputs: onnx.outputs, classes: onnx.classes };
  return { ref, session, md5, ...edges, labels, mlModel, python, onnx: parts, recipe: processing?.recipe };
}

/** A run of which another thread is to write the answer. */
export interface Writing {
  readonly version: SentFacts;
  readonly arm: Arm | undefined;
  /** None where nothing needs them any more. */
  readonly feeds: Tensors;
  readonly fetches: readonly string[];
  readonly raw: Tensors;
  readonly shape?: Run['shape'];
  readonly processed: boolean;
  readonly pictures?: Run['pictures'];
  readonly form: AnswerForm;
  readonly predictionId: string;
  /** Milliseconds since the request came. */
  readonly elapsed: number;
  /** Absent: it is not logged. */
  readonly log: { readonly request: LoggedRequest; readonly redact: ReadonlySet<string> } | undefined;
}

export interface Written {
  readonly body: Uint8Array;
  /** Bytes of the JSON part, where raw tensors follow it. */
  readonly jsonLength: number | undefined;
  readonly line: string | undefined;
  readonly answers: VersionNumbers['answers'];
}

/** Inputs as they come from another thread. */
export type ReadElsewhere = Omit<ExchangeInputs, 'rows'> & { readonly rows: SampledRows | undefined };

/** What the server's thread asks of an exchange thread, and the answers. `exchange` is a number of its choosing. */
export interface Calls {
  open: { ask: { exchange: number; asked: Asked; body: Uint8Array; exact: boolean }; answer: boolean };
  route: { ask: { exchange: number; query: RouteQuery; own: ReadonlySet<string> | undefined }; answer: Route };
  isEmpty: { ask: { exchange: number; version: SentFacts }; answer: boolean };
  read: {
    /** `logs`: the rows that were sent are wanted too. */
    ask: { exchange: number; version: SentFacts; said: ReadonlySet<string> | undefined; logs: boolean };
    answer: ReadElsewhere;
  };
  close: { ask: { exchange: number }; answer: undefined };
  write: { ask: Writing; answer: Written };
}

export type ToExchange = { [Kind in keyof Calls]: { id: number; kind: Kind; ask: Calls[Kind]['ask'] } }[keyof Calls];

export interface FromExchange {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: SentError;
}

/** An error as it goes from thread to thread: with all that a client is told, and the kind of a bug. */
export interface SentError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly range: boolean;
  readonly stack: string | undefined;
}

export function packError(error: unknown): SentError {
  const known = isMlopsError(error) ? error : undefined;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return {
    code: known?.code,
    message,
    hint: known?.hint,
    data: known?.data,
    range: error instanceof RangeError,
    stack,
  };
}

export function unpackError({ code, message, hint, data, range, stack }: SentError): Error {
  if (code !== undefined) {
    return new MlopsError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      ...(data === undefined ? {} : { data }),
    });
  }
  const error = range ? new RangeError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
