import { createHash } from 'node:crypto';

import { MlopsError, withoutTrailing } from '../../base/index.ts';
import {
  flagOption,
  misconfigured,
  secondsOption,
  textOption,
  trusted,
  trustOption,
  type RemoteOptions,
} from '../port/remote-options.ts';
import { readAwsProfile, type AwsProfile } from './profile.ts';
import type { S3Keys } from './signature.ts';

/** What a client of S3 needs to know, made from the options of a remote, the environment and profile files. */
export interface S3Settings {
  readonly bucket: string;
  /** Of all keys, '' or ending in `/`. */
  readonly prefix: string;
  /** For messages: `s3://bucket/prefix`. */
  readonly url: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Of the options, the environment or a profile; where they are not at hand they are looked for as the AWS tools do. */
  readonly keys: S3Keys | undefined;
  readonly anonymous: boolean;
  readonly profile: string | undefined;
  /** For messages: the environment's too. */
  readonly profileName: string | undefined;
  readonly credentialsFile: string | undefined;
  readonly configFile: string | undefined;
  /** False: any certificate is taken. Otherwise the certificates to trust, or the system's. */
  readonly trust: boolean | Buffer;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly readTimeout: number;
  /** Amazon's addresses: without TLS, of the FIPS kind, for IPv6 too. */
  readonly insecure: boolean;
  readonly fips: boolean;
  readonly dualStack: boolean;
  /** Headers of every write (encryption, ACL, grants) and of every read (customer key). */
  readonly forWrite: Readonly<Record<string, string>>;
  readonly forRead: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `s3://bucket/prefix` and the options that DVC has for S3 remotes. As with boto, an option wins over
 * the environment, which wins over the profile files.
 * @throws MlopsError `remote_misconfigured`; `remote_unsupported` for access points and directory buckets.
 */
export function readS3Settings(url: string, options: RemoteOptions, env: Environment): S3Settings {
  const { bucket, prefix } = splitS3Url(url);
  if (/^arn:|--x-s3$/.test(bucket)) {
    throw new MlopsError('remote_unsupported', `'${bucket}' is no common bucket of S3, and others are not supported`, {
      hint: 'access points and directory buckets can be used with dvc itself',
    });
  }
  const configFile = env['AWS_CONFIG_FILE'] ?? textOption(options, 'configpath');
  const profile = textOption(options, 'profile');
  const credentialsFile = env['AWS_SHARED_CREDENTIALS_FILE'] ?? textOption(options, 'credentialpath');
  const name = profile ?? env['AWS_PROFILE'] ?? env['AWS_DEFAULT_PROFILE'];
  const found = readAwsProfile(name, { configFile, credentialsFile }, env);
  const endpoint = endpointOf(options, env, found);
  return {
    bucket,
    prefix,
    url: `s3://${bucket}/${prefix}`.replace(/\/$/, ''),
    region: textOption(options, 'region') ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? found.region,
    endpoint,
    pathStyle: found.addressingStyle === 'path' || (endpoint !== undefined && found.addressingStyle !== 'virtual'),
    keys: keysOf(options) ?? keysAtHand(profile, env, found),
    anonymous: flagOption(options, 'allow_anonymous_login') ?? false,
    profile,
    profileName: name,
    credentialsFile,
    configFile,
    trust: trustOf(options, env),
    connectTimeout: secondsOption(options, 'connect_timeout') ?? 60_000,
    readTimeout: secondsOption(options, 'read_timeout') ?? 60_000,
    insecure: flagOption(options, 'use_ssl') === false,
    fips: env['AWS_USE_FIPS_ENDPOINT'] === 'true',
    dualStack: env['AWS_USE_DUALSTACK_ENDPOINT'] === 'true',
    ...parametersOf(options),
  };
}

/** Bucket and key prefix of `s3://bucket/some/prefix`. */
export function splitS3Url(url: string): { bucket: string; prefix: string } {
  const match = /^s3a?:\/\/([^/?#]+)(?![^/?#])(.*)/s.exec(url);
  if (match === null) throw misconfigured(`'${url}' is not of the form s3://bucket/path`);
  const path = withoutTrailing((match[2] ?? '').replace(/^\/+/, ''), '/');
  return { bucket: match[1] ?? '', prefix: path === '' ? '' : `${path}/` };
}

function endpointOf(options: RemoteOptions, env: Environment, profile: AwsProfile): string | undefined {
  const endpoint =
    textOption(options, 'endpointurl') ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? profile.endpoint;
  if (endpoint === undefined) return undefined;
  if (!/^https?:\/\/[^/]/i.test(endpoint)) throw misconfigured(`the endpoint '${endpoint}' lacks http:// or https://`);
  if (!URL.canParse(endpoint)) throw misconfigured(`the endpoint '${endpoint}' is not an address`);
  return endpoint;
}

function keysOf(options: RemoteOptions): S3Keys | undefined {
  const accessKeyId = textOption(options, 'access_key_id');
  const secretAccessKey = textOption(options, 'secret_access_key');
  const sessionToken = textOption(options, 'session_token');
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw misconfigured("'access_key_id' and 'secret_access_key' belong together, one of them is missing");
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** The environment's keys, unless a profile was asked for, before those that a profile simply holds, as with boto. */
function keysAtHand(profile: string | undefined, env: Environment, found: AwsProfile): S3Keys | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (profile !== undefined || !accessKeyId || !secretAccessKey) return found.keys;
  return { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] || undefined };
}

function trustOf(options: RemoteOptions, env: Environment): boolean | Buffer {
  const given = trustOption(options);
  const file = typeof given === 'string' ? given : given ? env['AWS_CA_BUNDLE'] : undefined;
  return trusted(file === undefined || file === '' ? given === true : file);
}

function parametersOf(options: RemoteOptions): Pick<S3Settings, 'forWrite' | 'forRead'> {
  const customerKey = textOption(options, 'sse_customer_key');
  const kmsKey = textOption(options, 'sse_kms_key_id');
  if (customerKey !== undefined && kmsKey !== undefined) {
    throw misconfigured("'sse_kms_key_id' and 'sse_customer_key' exclude each other");
  }
  const algorithm = textOption(options, 'sse_customer_algorithm') ?? (customerKey === undefined ? undefined : 'AES256');
  const key = customerKey === undefined ? undefined : Buffer.from(customerKey, 'base64');
  const forRead = present({
    'x-amz-server-side-encryption-customer-algorithm': algorithm,
    'x-amz-server-side-encryption-customer-key': key?.toString('base64'),
    'x-amz-server-side-encryption-customer-key-md5':
      key === undefined ? undefined : createHash('md5').update(key).digest('base64'),
  });
  const acl = textOption(options, 'acl');
  const grants = present({
    'x-amz-grant-full-control': textOption(options, 'grant_full_control'),
    'x-amz-grant-read': textOption(options, 'grant_read'),
    'x-amz-grant-read-acp': textOption(options, 'grant_read_acp'),
    'x-amz-grant-write-acp': textOption(options, 'grant_write_acp'),
  });
  if (acl !== undefined && Object.keys(grants).length > 0) {
    throw misconfigured("'acl' and 'grant_*' exclude each other");
  }
  const encryption = present({
    'x-amz-server-side-encryption': textOption(options, 'sse'),
    'x-amz-server-side-encryption-aws-kms-key-id': kmsKey,
    'x-amz-acl': acl,
  });
  return { forRead, forWrite: { ...forRead, ...encryption, ...grants } };
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

export function bucketNotFound(bucket: string, cause?: unknown): MlopsError {
  return new MlopsError('bucket_not_found', `there is no bucket '${bucket}'`, {
    hint: 'create it first, or check its name and the endpoint (`endpointurl`) of the remote',
    cause,
    data: { bucket },
  });
}
