import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isSystemError } from '../../base/index.ts';
import type { S3Keys } from './signature.ts';

/** What the AWS files say about a profile. */
export interface AwsProfile {
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** `auto`, `path` or `virtual`. */
  readonly addressingStyle: string | undefined;
  /** Where the profile simply holds keys; whatever else it may say (roles, SSO, processes) is the SDK's to follow. */
  readonly keys: S3Keys | undefined;
}

/** A profile with one of these gets its keys from somewhere else. */
const elsewhere =
  /^(role_arn|source_profile|credential_source|credential_process|web_identity_token_file|sso_\w+|login_\w+)$/;

/**
 * Reads the section `[default]` or `[profile NAME]` of the AWS config file (`~/.aws/config`) and `[NAME]` of the
 * credentials file. Indented lines below `s3 =` are its sub-section. A file that is not there says nothing.
 */
export function readAwsProfile(
  name: string | undefined,
  files: { readonly configFile: string | undefined; readonly credentialsFile: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): AwsProfile {
  const home = env['HOME'] ?? os.homedir();
  const read = (file: string): Map<string, string> =>
    sectionOf(readIfThere(file.replace(/^~(?=\/)/, home)), name ?? 'default');
  const values = read(files.configFile ?? '~/.aws/config');
  return {
    region: values.get('region'),
    endpoint: values.get('s3.endpoint_url') ?? values.get('endpoint_url'),
    addressingStyle: values.get('s3.addressing_style'),
    keys: keysOf(new Map([...values, ...read(files.credentialsFile ?? '~/.aws/credentials')])),
  };
}

function keysOf(values: ReadonlyMap<string, string>): S3Keys | undefined {
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  if ([...values.keys()].some((key) => elsewhere.test(key))) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: values.get('aws_session_token') };
}

function sectionOf(text: string, name: string): Map<string, string> {
  const values = new Map<string, string>();
  let inside = false;
  let parent = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]*)\]/.exec(line.trim());
    if (header !== null) {
      const [, quoted = ''] = /^(?:profile\s)?(.*)$/.exec((header[1] ?? '').trim()) ?? [];
      inside =
        quoted
          .trim()
          .replace(/^["']|["']$/g, '')
          .trim() === name;
      parent = '';
      continue;
    }
    const equals = line.indexOf('=');
    const key = line.slice(0, equals).trim();
    if (!inside || equals === -1 || key === '' || /^[#;]/.test(key)) continue;
    const value = line.slice(equals + 1).trim();
    const indent = /^\s/.test(line);
    if (!indent) parent = value === '' ? key : '';
    if (value !== '') values.set(indent && parent !== '' ? `${parent}.${key}` : key, value);
  }
  return values;
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(path.resolve(file), 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return '';
    throw error;
  }
}
