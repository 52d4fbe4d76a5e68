import { isMlopsError, messageOf, MlopsError } from '../base/index.ts';
import { notFound } from './keys.ts';
import { isCertificateError, isNetworkError } from './network-errors.ts';
import { bucketNotFound, type S3Settings } from './s3-settings.ts';

const absent = new Set(['NoSuchKey', 'NotFound', 'NoSuchVersion']);
const denied = words(`AccessDenied AllAccessDisabled AccountProblem InvalidAccessKeyId InvalidToken InvalidSecurity
  SignatureDoesNotMatch ExpiredToken ExpiredTokenException TokenRefreshRequired NotSignedUp
  CredentialsProviderError Forbidden UnrecognizedClientException MethodNotAllowed`);
const passing = words(`SlowDown InternalError ServiceUnavailable RequestTimeout TimeoutError OperationAborted
  ThrottlingException Throttling TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded
  NetworkingError IncompleteBody BadDigest XMinioServerNotInitialized PreconditionFailed`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** What S3, its SDK and the network throw, in the words of the catalogue. Bugs come back as they are. */
export function explainS3Error(error: unknown, key: string | undefined, settings: S3Settings): unknown {
  if (!(error instanceof Error) || isMlopsError(error)) return error;
  const name = error.name;
  const status = statusOf(error);
  if (name === 'NoSuchBucket') return bucketNotFound(settings.bucket, error);
  if (absent.has(name) || (status === 404 && name !== 'NoSuchUpload')) {
    return notFound(key ?? settings.prefix, `s3://${settings.bucket}`, error);
  }
  if (name === 'NoSuchUpload') return unreachable('the upload was ended by someone else', settings, error);
  if (name === 'RequestTimeTooSkewed') return clockWrong(settings, error);
  if (denied.has(name) || status === 401 || status === 403) return refused(error, settings);
  if (passing.has(name) || status === 429 || (status !== undefined && status >= 500) || isNetworkError(error)) {
    return unreachable(describe(error), settings, error);
  }
  if (status !== undefined) {
    return new MlopsError('remote_misconfigured', `${settings.url} answers ${status} ${describe(error)}`, {
      hint: 'check the options of the remote (region, endpointurl, sse) with `mlops config --list`',
      cause: error,
    });
  }
  return isCertificateError(error) ? untrusted(settings, error) : error;
}

function refused(error: Error, settings: S3Settings): MlopsError {
  const lacking = error.name === 'CredentialsProviderError';
  const expired = /expired/i.test(error.name);
  const what = lacking ? 'no credentials were found' : describe(error);
  const hint = lacking
    ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or `mlops remote modify --local NAME access_key_id ...`'
    : expired
      ? 'get new credentials (for example with `aws sso login`) and run the same command again'
      : 'check the credentials and that they may read, list and write in this bucket';
  return new MlopsError('remote_denied', `access to ${settings.url} was denied: ${what}`, { hint, cause: error });
}

function clockWrong(settings: S3Settings, cause: Error): MlopsError {
  return new MlopsError('remote_denied', `access to ${settings.url} was denied: the clock of this machine is wrong`, {
    hint: 'set the clock: S3 refuses requests that are more than 15 minutes off',
    cause,
  });
}

function untrusted(settings: S3Settings, cause: Error): MlopsError {
  return new MlopsError('remote_misconfigured', `${settings.url}: ${messageOf(cause)}`, {
    hint: 'name the certificates to trust with the option `ssl_verify` of the remote',
    cause,
  });
}

function unreachable(what: string, settings: S3Settings, cause: Error): MlopsError {
  const where = settings.endpoint === undefined ? settings.url : `${settings.url} (${settings.endpoint})`;
  return new MlopsError('remote_unreachable', `${where}: ${what}`, {
    hint: 'check the network and the endpoint; what was transferred already is not transferred again',
    cause,
  });
}

/** The service's own words; never the request, which holds credentials. */
function describe(error: Error): string {
  const message = error.message.trim();
  if (message === '' || message === error.name || message === 'UnknownError') return error.name;
  return /^[A-Z]\w+$/.test(error.name) && error.name !== 'Error' ? `${error.name}: ${message}` : message;
}

function statusOf(error: Error): number | undefined {
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: unknown } | undefined) : undefined;
  return typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
