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

/** A certificate that is not trusted: it will not pass. */
export function isCertificateError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)) return true;
  return error.cause !== undefined && isCertificateError(error.cause);
}
