import { explainSystemError, isMlopsError, messageOf, MlopsError, type ErrorCode } from '../base/index.ts';

/** An error on its way to a client: everything a response of any protocol may say. */
export interface Failure {
  readonly status: number;
  /** A code of the catalogue; `internal` for a bug. */
  readonly code: ErrorCode | 'internal';
  /** MLflow's `error_code`. */
  readonly mlflowCode: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The error itself, for the log. Never sent. */
  readonly error: unknown;
}

/** Codes of Fastify's and Node's own errors that a client causes. */
const known: Readonly<Record<string, readonly [status: number, code: ErrorCode, mlflow: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'INVALID_PARAMETER_VALUE'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'bad_request', 'BAD_REQUEST'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'bad_request', 'BAD_REQUEST'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'bad_request', 'BAD_REQUEST'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'bad_json', 'BAD_REQUEST'],
  FST_ERR_BAD_URL: [400, 'bad_request', 'BAD_REQUEST'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'bad_request', 'BAD_REQUEST'],
  FST_ERR_ASYNC_CONSTRAINT: [400, 'bad_request', 'BAD_REQUEST'],
  ECONNRESET: [400, 'bad_request', 'BAD_REQUEST'],
};

/**
 * What a client is told about anything that was thrown. Errors of the catalogue keep their message; a bug
 * becomes a 500 that names only the request, because messages and stacks can hold paths and data.
 */
export function failureOf(error: unknown, requestId: string): Failure {
  const explained = explainSystemError(error);
  if (isMlopsError(explained)) return ofMlopsError(explained);
  // Only deeply nested input makes our recursive readers run out of stack.
  if (error instanceof RangeError && error.message.includes('call stack')) {
    return ofMlopsError(new MlopsError('bad_request', 'the request is nested too deeply', { cause: error }));
  }
  const code = codeOf(error);
  const entry = code === undefined ? undefined : known[code];
  if (entry !== undefined) {
    const [status, ownCode, mlflowCode] = entry;
    // It may quote the whole URL.
    const message = messageOf(error).slice(0, 300);
    return { status, code: ownCode, mlflowCode, message, headers: {}, error };
  }
  return {
    status: 500,
    code: 'internal',
    mlflowCode: 'INTERNAL_ERROR',
    message: `internal error; the server's log has it under request id ${requestId}`,
    headers: {},
    error,
  };
}

function ofMlopsError(error: MlopsError): Failure {
  const headers: Record<string, string> = {};
  const retryAfter = error.data?.['retry_after'];
  if (typeof retryAfter === 'number') headers['retry-after'] = String(retryAfter);
  const allow = error.data?.['allow'];
  if (typeof allow === 'string') headers['allow'] = allow;
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer realm="mlops"';
  const { code, message, hint, data, httpStatus: status, mlflowCode } = error;
  return { status, code, mlflowCode, message, hint, data, headers, error };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Our own error body: `{error: {code, message, hint?, ...facts}, request_id}`. */
export function ownErrorBody(failure: Failure, requestId: string): Readonly<Record<string, unknown>> {
  const { code, message, hint, data } = failure;
  return { error: { code, message, ...(hint === undefined ? {} : { hint }), ...data }, request_id: requestId };
}

/** MLflow's finer name of an error, and its SQLSTATE, by its code (`mlflow/error_classification.py`, 3.17). */
const classes: Readonly<Record<string, readonly [name: string, state: string]>> = {
  BAD_REQUEST: ['INVALID_PARAMETER_VALUE', 'KAM00'],
  ENDPOINT_NOT_FOUND: ['RESOURCE_NOT_FOUND', 'KAM00'],
  INTERNAL_ERROR: ['CLIENT_INTERNAL_ERROR', 'XXM00'],
  INVALID_PARAMETER_VALUE: ['INVALID_PARAMETER_VALUE', 'KAM00'],
  INVALID_STATE: ['CLIENT_INTERNAL_ERROR', 'XXM00'],
  NOT_FOUND: ['RESOURCE_NOT_FOUND', 'KAM00'],
  PERMISSION_DENIED: ['PERMISSION_DENIED', 'KAM00'],
  RESOURCE_ALREADY_EXISTS: ['RESOURCE_ALREADY_EXISTS', 'KAM00'],
  RESOURCE_DOES_NOT_EXIST: ['RESOURCE_NOT_FOUND', 'KAM00'],
  TEMPORARILY_UNAVAILABLE: ['CLIENT_INTERNAL_ERROR', 'XXM00'],
};

/** MLflow's error body; what it says in plain text is a text. */
export function mlflowErrorBody(failure: Failure): Readonly<Record<string, unknown>> | string {
  const { hint, message, mlflowCode, data } = failure;
  if (typeof data?.['plain'] === 'string') return data['plain'];
  const [name, state] = classes[mlflowCode] ?? [];
  const body = { error_code: mlflowCode, message: hint === undefined ? message : `${message} (${hint})` };
  return name === undefined ? body : { ...body, sqlstate: state, error_class: name };
}
