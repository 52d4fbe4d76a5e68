import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError, writeFileAtomic } from '../../base/index.ts';

/** Committed beside the project's files: what `init --update` starts from. */
export const recordFile = '.mlops-template.json';

export interface TemplateRecord {
  /** Name, folder or Git address. */
  readonly template: string;
  readonly values: Readonly<Record<string, string>>;
  /** Git's id of what the template wrote, by path: where a file was changed since, Git has what it was. */
  readonly files: Readonly<Record<string, string>>;
}

export function writeRecord(
  root: string,
  template: string,
  values: Readonly<Record<string, string>>,
  contents: ReadonlyMap<string, Buffer>,
): void {
  const files = Object.fromEntries([...contents].map(([file, bytes]) => [file, blobId(bytes)]));
  const record: TemplateRecord = { template, values, files };
  writeFileAtomic(path.join(root, recordFile), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Throws `bad_project_template` where the project was made of no template, or the file is not what was written. */
export function readRecord(root: string): TemplateRecord {
  const file = path.join(root, recordFile);
  const wrong = (what: string): MlopsError =>
    new MlopsError('bad_project_template', what, {
      where: file,
      hint: 'mlops init --template NAME --into adds a template to a project',
    });
  try {
    const value = JSON.parse(fs.readFileSync(file, 'utf8')) as TemplateRecord;
    if (typeof value.template === 'string' && isTexts(value.values) && isTexts(value.files)) return value;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw wrong('this project was not made of a template');
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw wrong(`'${recordFile}' is not what init wrote`);
}

/** The id that Git gives a file with these bytes (SHA-1 repositories). */
export function blobId(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function isTexts(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item: unknown) => typeof item === 'string')
  );
}
