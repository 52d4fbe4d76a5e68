import * as os from 'node:os';

import { MlopsError } from '../../base/index.ts';
import type { ArgSpec } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** One version of a model: `NAME SELECTOR`, or all in one word. Without a selector it is the newest. */
export const versionArgs: readonly ArgSpec[] = [
  { name: 'name', summary: 'the model, or models:/NAME/SELECTOR', completes: 'model' },
  { name: 'version', completes: 'version', summary: 'a version, stage, @alias or latest', optional: true },
];

/** Who is at the keyboard, for the audit trail. */
export function userName(terminal: Terminal): string {
  const { env } = terminal;
  return env['MLFLOW_TRACKING_USERNAME'] ?? env['USER'] ?? os.userInfo().username;
}

/** Reads `KEY=VALUE`. */
export function pair(text: string, flag: string): { key: string; value: string } {
  const cut = text.indexOf('=');
  if (cut > 0) return { key: text.slice(0, cut), value: text.slice(cut + 1) };
  throw new MlopsError('usage', `${flag} '${text}' is not KEY=VALUE`, { hint: `write ${flag} key=value` });
}
