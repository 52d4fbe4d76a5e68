import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isSystemError } from '../base/index.ts';

/** What the AWS config file says about a profile, besides credentials (those are the SDK's to find). */
export interface AwsProfile {
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** `auto`, `path` or `virtual`. */
  readonly addressingStyle: string | undefined;
}

/**
 * Reads the section `[default]` or `[profile NAME]` of the AWS config file (`~/.aws/config`). Indented lines
 * below `s3 =` are its sub-section. A file that is not there says nothing.
 */
export function readAwsProfile(
  name: string | undefined,
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): AwsProfile {
  const home = env['HOME'] ?? os.homedir();
  const text = readIfThere((file ?? '~/.aws/config').replace(/^~(?=\/)/, home));
  const values = sectionOf(text, name ?? 'default');
  return {
    region: values.get('region'),
    endpoint: values.get('s3.endpoint_url') ?? values.get('endpoint_url'),
    addressingStyle: values.get('s3.addressing_style'),
  };
}

function sectionOf(text: string, name: string): Map<string, string> {
  const values = new Map<string, string>();
  let inside = false;
  let parent = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/.exec(line);
    if (header !== null) {
      inside = header[1] === name;
      parent = '';
      continue;
    }
    const pair = /^(\s*)([^=#;\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (!inside || pair === null) continue;
    const [, indent = '', key = '', value = ''] = pair;
    if (indent === '') parent = value === '' ? key : '';
    if (value !== '') values.set(indent !== '' && parent !== '' ? `${parent}.${key}` : key, value);
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
