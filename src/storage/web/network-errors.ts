import { messageOf } from '../../base/index.ts';

const networkCodes =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPROTO|HPE_\w+|ERR_STREAM_PREMATURE_CLOSE|UND_ERR\w+)$/;

/** Failures of the connection: they may pass. */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && networkCodes.test(error.code)) return true;
  if (/^(aborted|socket hang up|Premature close|terminated)$/i.test(error.message) || error.name === 'TimeoutError') {
    return true;
  }
  if (error instanceof AggregateError) return error.errors.some(isNetworkError);
  return error.cause !== undefined && isNetworkError(error.cause);
}

/** A server that was taken for one with TLS: it will not pass either. */
export function isPlainServer(error: unknown): boolean {
  const tells = /wrong version number|packet length too long|http request/i;
  return withCode(error)?.code === 'EPROTO' && tells.test(messageOf(error));
}

/** A certificate that is not trusted: it will not pass. */
export function isCertificateError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)) return true;
  return error.cause !== undefined && isCertificateError(error.cause);
}

/** What happened to a connection, for people; Node's own words where they will do. */
export function networkWords(error: unknown): string {
  const coded = withCode(error);
  const code = coded?.code ?? '';
  // Several addresses of one name fail together: Node leaves the message of that empty.
  const text = messageOf(coded?.error ?? error) || code;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const name = /(?:ENOTFOUND|EAI_AGAIN)\s+(\S+)/.exec(text)?.[1] ?? '';
    return `the name '${name}' is not known (DNS: ${code})`;
  }
  if (code.startsWith('HPE_')) return `what answers there does not speak HTTP (${code})`;
  return text;
}

/** The error itself, or the one behind it that Node gave a code. */
function withCode(error: unknown): { readonly error: Error; readonly code: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? { error, code: error.code } : withCode(error.cause);
}
