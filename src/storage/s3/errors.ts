import { isMlopsError, messageOf, MlopsError } from '../../base/index.ts';
import { notFound } from '../port/keys.ts';
import { isCertificateError, isNetworkError, isPlainServer, networkWords } from '../web/network-errors.ts';
import { bucketNotFound, type S3Settings } from './settings.ts';

const absent = words('NoSuchKey NotFound NoSuchVersion');
const denied = words(`AccessDenied AllAccessDisabled AccountProblem InvalidAccessKeyId InvalidToken InvalidSecurity
  SignatureDoesNotMatch ExpiredToken ExpiredTokenException TokenRefreshRequired NotSignedUp
  CredentialsProviderError Forbidden UnrecognizedClientException MethodNotAllowed`);
const passing = words(`SlowDown InternalError ServiceUnavailable RequestTimeout TimeoutError OperationAborted
  ThrottlingException Throttling TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded
  IncompleteBody BadDigest XAmzContentSHA256Mismatch XMinioServerNotInitialized PreconditionFailed`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** An answer of S3, or of whoever sits at its address, that is none of success. */
export class S3Failure extends Error {
  /** S3's word for it, or one made of the status where the answer has none. */
  readonly code: string;
  readonly status: number;
  /** Where the bucket is, if the answer says so. */
  readonly region: string | undefined;
  readonly location: string | undefined;
  readonly isWebPage: boolean;
  /** The server wants TLS. */
  readonly wantsTls: boolean;
  /** ' through the proxy ...', or ''. */
  readonly through: string;

  constructor(answer: {
    readonly status: number;
    readonly statusText?: string;
    readonly code: string | undefined;
    readonly message: string | undefined;
    readonly region?: string | undefined;
    readonly location?: string | undefined;
    readonly text?: string;
    readonly through?: string;
  }) {
    const { status, statusText = '' } = answer;
    super(answer.message ?? `${status} ${statusText}`.trim());
    this.code = answer.code ?? (status === 404 ? 'NotFound' : status === 403 ? 'Forbidden' : '');
    this.status = status;
    this.region = answer.region;
    this.location = answer.location;
    this.isWebPage = /^\s*<(!doctype html|html)/i.test(answer.text ?? '');
    this.wantsTls = /HTTP request (was sent )?to (an )?HTTPS (server|port)/i.test(answer.text ?? '');
    this.through = answer.through ?? '';
  }
}

/** Whether the same request may succeed later. */
export function mayPass(error: unknown): boolean {
  if (isMlopsError(error)) return error.code === 'remote_unreachable';
  if (!(error instanceof S3Failure))
    return isNetworkError(error) && !isCertificateError(error) && !isPlainServer(error);
  return passing.has(error.code) || error.status === 429 || (error.status >= 500 && error.status !== 501);
}

/** What S3, the search for credentials and the network throw, in the words of the catalogue. Bugs come back as they are. */
export function explainS3Error(error: unknown, key: string | undefined, settings: S3Settings): unknown {
  if (!(error instanceof Error) || isMlopsError(error)) return error;
  if (/^(Credentials|Token)?ProviderError$/.test(error.name)) return noCredentials(settings, error);
  if (error instanceof S3Failure) return explainAnswer(error, key, settings);
  if (isCertificateError(error)) return untrusted(settings, error);
  if (isPlainServer(error)) {
    return new MlopsError('remote_misconfigured', `${settings.endpoint ?? settings.url}: no TLS is spoken there`, {
      hint: 'its `endpointurl` begins with http://, or another port is meant',
      cause: error,
    });
  }
  if (isNetworkError(error)) return unreachable(networkWords(error), settings, error);
  // Services that give out credentials answer in the SDK's own errors.
  return '$metadata' in error || denied.has(error.name) ? refused(error.name, error, settings) : error;
}

function explainAnswer(error: S3Failure, key: string | undefined, settings: S3Settings): MlopsError {
  const { code, status } = error;
  if (error.wantsTls)
    return new MlopsError('remote_misconfigured', `${settings.endpoint ?? settings.url} speaks TLS only`, {
      hint: 'its `endpointurl` begins with https://',
      cause: error,
    });
  if (error.isWebPage && ![403, 429].includes(status) && status < 500) return notS3(settings, error.through, error);
  if (code === 'NoSuchBucket') return bucketNotFound(settings.bucket, error);
  if (absent.has(code)) return notFound(key ?? settings.prefix, `s3://${settings.bucket}`, error);
  if (code === 'NoSuchUpload') return unreachable('the upload was ended by someone else', settings, error);
  if (code === 'RequestTimeTooSkewed') return clockWrong(settings, error);
  if (code === 'InvalidObjectState') return archived(key ?? '', error, settings);
  if (denied.has(code) || status === 401 || status === 403) return refused(code, error, settings);
  if (mayPass(error)) return unreachable(describe(error), settings, error);
  const to = error.location === undefined ? '' : ` and points to ${withoutQuery(error.location)}`;
  return new MlopsError(
    'remote_misconfigured',
    `${settings.url}${error.through} answers ${status} ${describe(error)}${to}`,
    { hint: 'check the options of the remote (region, endpointurl, sse) with `mlops config --list`', cause: error },
  );
}

/** Something else than S3 answers at the endpoint: a console, a login page, a gateway. */
export function notS3(settings: S3Settings, through = '', cause?: Error): MlopsError {
  const where = settings.endpoint ?? settings.url;
  return new MlopsError('remote_misconfigured', `${where}${through} does not answer as S3 does`, {
    hint: 'check `endpointurl` of the remote: it is the address of the API, not of a console or a login page',
    cause,
  });
}

/** The search says more than that it found nothing where a profile or a login of SSO is at fault. */
function noCredentials(settings: S3Settings, cause: Error): MlopsError {
  const { profileName } = settings;
  const nothing = profileName === undefined ? '' : `; the profile '${profileName}' holds none, or is not there`;
  const found = /profile|sso|process|token|role/i.test(cause.message) ? `: ${cause.message}` : nothing;
  const hint = /sso (session|login)/i.test(cause.message)
    ? 'log in again with `aws sso login`'
    : 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or `mlops remote modify --local NAME access_key_id ...`';
  return new MlopsError('remote_denied', `access to ${settings.url} was denied: no credentials were found${found}`, {
    hint,
    cause,
  });
}

function refused(code: string, cause: Error, settings: S3Settings): MlopsError {
  const through = cause instanceof S3Failure ? cause.through : '';
  return new MlopsError('remote_denied', `access to ${settings.url}${through} was denied: ${describe(cause)}`, {
    hint: /expired/i.test(code)
      ? 'get new credentials (for example with `aws sso login`) and run the same command again'
      : 'check the credentials and that they may read, list and write in this bucket',
    cause,
  });
}

function archived(key: string, cause: Error, settings: S3Settings): MlopsError {
  return new MlopsError('remote_unsupported', `'${key}' in s3://${settings.bucket} is archived and cannot be read`, {
    hint: 'restore it first, for example with `aws s3api restore-object`',
    cause,
  });
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
  const through = cause instanceof S3Failure ? cause.through : '';
  return new MlopsError('remote_unreachable', `${where}${through}: ${what}`, {
    hint: 'check the network and the endpoint; what was transferred already is not transferred again',
    cause,
  });
}

/** The service's own words; never the request, which holds credentials. */
function describe(error: Error): string {
  const code = error instanceof S3Failure ? error.code : error.name;
  const message = error.message.trim();
  if (message === '' || message === code || message === 'UnknownError') return code;
  return /^[A-Z]\w+$/.test(code) && code !== 'Error' && !message.includes(code) ? `${code}: ${message}` : message;
}

function withoutQuery(location: string): string {
  return location.slice(0, /[?#]/.exec(location)?.index);
}
