import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import manifest from '../../../package.json' with { type: 'json' };
import { version } from '../parse/version.ts';

export interface BugReport {
  readonly title: string;
  readonly body: string;
}

/**
 * The text of an issue: what was run, on what, and the stack. Words of the command line may be secrets, so only the
 * command's name is told; values of the environment, the home folder and passwords in addresses are taken out.
 */
export function bugReport(
  error: unknown,
  command: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): BugReport {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const [first = ''] = stack.split('\n');
  const lines = [
    `Command: mlops ${command ?? ''}`.trimEnd(),
    `Version: ${version}, Node ${process.version}, ${process.platform} ${process.arch}`,
    '',
    '```',
    stack,
    '```',
    '',
    'What I did, and what I expected:',
    '',
  ];
  return { title: withoutSecrets(first, env).slice(0, 120), body: withoutSecrets(lines.join('\n'), env) };
}

/** @returns the file with the report; undefined where none can be written. */
export function writeReport({ title, body }: BugReport): string | undefined {
  try {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-bug-'));
    const file = path.join(folder, 'report.md');
    fs.writeFileSync(file, `# ${title}\n\n${body}`, { mode: 0o600 });
    return file;
  } catch {
    return undefined;
  }
}

/** Where to report it, with the text filled in; undefined where this build names no place. */
export function issueAddress({ title, body }: BugReport, place: string | undefined = bugsPlace()): string | undefined {
  if (place === undefined) return undefined;
  const query = new URLSearchParams({ title, body: body.slice(0, 4000) });
  return `${place.replace(/\/$/, '')}/new?${query.toString()}`;
}

/** `bugs` of package.json. */
function bugsPlace(): string | undefined {
  const { bugs } = manifest as { readonly bugs?: string | { readonly url?: string } };
  return typeof bugs === 'string' ? bugs : bugs?.url;
}

const secretName = /PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH/i;

function withoutSecrets(text: string, env: Readonly<Record<string, string | undefined>>): string {
  let clean = text.replace(/([a-z][a-z0-9+.-]{0,20}:\/\/)[^/@\s]{1,300}@/gi, '$1***@');
  for (const [name, value = ''] of Object.entries(env)) {
    if (secretName.test(name) && value.length >= 6) clean = clean.replaceAll(value, '***');
  }
  const home = env['HOME'] ?? '';
  return home.length > 1 ? clean.replaceAll(home, '~') : clean;
}
