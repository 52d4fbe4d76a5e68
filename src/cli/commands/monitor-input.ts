import * as path from 'node:path';

import type { DataPlaces } from '../../app/monitor/data-source.ts';
import { trackingPlace } from '../../app/places/tracking-home.ts';
import { isMlopsError, MlopsError } from '../../base/index.ts';
import { momentOf, type Selection } from '../../monitor/index.ts';
import type { FlagSpec, Input } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const logFlag: FlagSpec = {
  name: 'predictions',
  value: 'DIR',
  summary: 'the folder of the log (.mlops/predictions)',
  completes: 'path',
};

export const gatesFlag: FlagSpec = {
  name: 'gates',
  value: 'FILE',
  summary: 'the gates (gates.yaml here or at the root of the project)',
  completes: 'path',
};

/** The flags of all that looks at the log. */
export const selectionFlags: readonly FlagSpec[] = [
  { name: 'model', value: 'NAME', summary: 'only this model', completes: 'model' },
  { name: 'version', value: 'VERSION', summary: 'only this version of it' },
  { name: 'since', value: 'TIME', summary: 'from this time on: ISO 8601, or 24h, 7d back from now' },
  { name: 'until', value: 'TIME', summary: 'before this time' },
  logFlag,
  { name: 'json', summary: 'print JSON' },
];

/** The folder of the prediction log: beside the store of where the user stands. */
export function logOf(input: Input, terminal: Terminal): string {
  const given = input.text('predictions');
  if (given !== undefined) return path.resolve(terminal.cwd, given);
  return path.join(trackingPlace(terminal.cwd, terminal.env).root, '.mlops', 'predictions');
}

/** Where data that a command names may be. */
export function dataPlaces(input: Input, terminal: Terminal): DataPlaces {
  return {
    cwd: terminal.cwd,
    log: logOf(input, terminal),
    withStore: (work) => withStore(terminal, work, { create: false }),
  };
}

/**
 * Runs what judges something: status 1 is kept for a bad verdict, so what keeps it from judging (a name of nothing, no
 * store, no revision) ends with 2.
 */
export async function judging<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!isMlopsError(error) || error.exit !== undefined || error.code === 'interrupted') throw error;
    throw new MlopsError(error.code, error.message, { ...error, exit: 2 });
  }
}

export function selectionOf(input: Input): Selection {
  return {
    model: input.text('model'),
    version: input.text('version'),
    since: timeFlag(input, 'since'),
    until: timeFlag(input, 'until'),
  };
}

function timeFlag(input: Input, flag: string): number | undefined {
  const text = input.text(flag);
  if (text === undefined) return undefined;
  try {
    return momentOf(text, Date.now());
  } catch (error) {
    throw new MlopsError('usage', `--${flag} '${text}' is no time`, {
      hint: 'write 2026-11-30, 2026-11-30T12:00:00Z, or 24h for a day back',
      cause: error,
    });
  }
}
