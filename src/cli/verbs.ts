import type { Verb } from './command.ts';

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
  readonly load: () => Promise<{ readonly verb: Verb }>;
}

/** The table of contents: every top-level verb, in the order of the help. */
export const verbs: readonly VerbRow[] = [
  // start

  // data

  // pipeline
  {
    name: 'metrics',
    group: 'pipeline',
    summary: 'Show and compare metrics',
    load: () => import('./commands/metrics.ts'),
  },
  {
    name: 'params',
    group: 'pipeline',
    summary: 'Compare params',
    load: () => import('./commands/params.ts'),
  },

  // track

  // serve

  // more
  {
    name: 'completion',
    group: 'more',
    summary: 'Print a shell completion script',
    load: () => import('./commands/completion.ts'),
  },
  {
    name: '__complete',
    group: 'more',
    summary: 'Answer a completion script',
    hidden: true,
    load: () => import('./commands/complete.ts'),
  },
];
