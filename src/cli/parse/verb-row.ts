import type { Verb } from './command.ts';

/** A section of `mlops --help`. */
export type Group = 'start' | 'data' | 'pipeline' | 'track' | 'serve' | 'more';

export const groupTitles: Readonly<Record<Group, string>> = {
  start: 'Start a project',
  data: 'Version data',
  pipeline: 'Run pipelines',
  track: 'Track and register',
  serve: 'Serve and monitor',
  more: 'More',
};

/** A row of `mlops --help`: all that is loaded until a verb is chosen. */
export interface VerbRow {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly group: Group;
  readonly summary: string;
  readonly hidden?: boolean;
  /** The verb that has the sub-commands which this one lacks: `experiments diff` is `exp diff`. */
  readonly forwardsTo?: string;
  readonly load: () => Promise<{ readonly verb: Verb }>;
}
