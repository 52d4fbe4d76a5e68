import type * as Sdk from '@aws-sdk/client-s3';

import type { S3Settings } from './settings.ts';
import type { S3Keys } from './signature.ts';
import type { WebTransport } from '../web/transport.ts';

/** The SDK tells users of an older Node to upgrade, on every command; which Node we run on is our concern. */
const quiet = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/**
 * Where a client gets its keys from, asked before every request: nowhere (anonymous), from the settings, or
 * from what the SDK finds: roles to take on, SSO, processes, web identities, containers, instances; it also
 * renews what expires. The SDK is used for nothing else, and only loaded for these.
 */
export function s3Credentials(
  settings: S3Settings,
  transport: WebTransport,
): () => S3Keys | undefined | Promise<S3Keys | undefined> {
  if (settings.anonymous) return () => undefined;
  const { keys } = settings;
  if (keys !== undefined) return () => keys;
  let search: Promise<() => Promise<S3Keys>> | undefined;
  return async () => (await (search ??= searchOf(settings, transport)))();
}

/**
 * The two file paths are handed to the search as the client's configuration, so that two remotes can have
 * different ones.
 */
async function searchOf(settings: S3Settings, transport: WebTransport): Promise<() => Promise<S3Keys>> {
  process.env[quiet] ??= 'true';
  const sdk = await import('@aws-sdk/client-s3');
  const configuration: Sdk.S3ClientConfig = {
    region: settings.region ?? 'us-east-1',
    requestHandler: {
      connectionTimeout: settings.connectTimeout,
      socketTimeout: settings.readTimeout,
      httpsAgent: await transport.agentFor(new URL('https://sts.amazonaws.com')),
    },
  };
  const places = {
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    ...(settings.credentialsFile === undefined ? {} : { filepath: settings.credentialsFile }),
    ...(settings.configFile === undefined ? {} : { configFilepath: settings.configFile }),
  };
  return new sdk.S3Client({ ...configuration, ...places }).config.credentials;
}
