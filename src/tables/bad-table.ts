import { MlopsError } from '../base/index.ts';

/** An error about the content of a table; `line` is the physical line where it was seen. */
export function badTable(
  name: string,
  what: string,
  details: { readonly line?: number; readonly hint?: string; readonly cause?: unknown } = {},
): MlopsError {
  const at = details.line === undefined ? '' : ` line ${details.line}`;
  return new MlopsError('bad_table', `'${name}'${at} ${what}`, {
    hint: details.hint,
    cause: details.cause,
    data: { file: name, ...(details.line === undefined ? {} : { line: details.line }) },
  });
}
