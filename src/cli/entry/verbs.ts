import type { VerbRow } from '../parse/verb-row.ts';

/** The table of contents: every top-level verb, in the order of the help. */
export const verbs: readonly VerbRow[] = [
  // start
  {
    name: 'demo',
    group: 'start',
    summary: 'Watch the whole way on real data, to a served prediction',
    load: () => import('../commands/demo.ts'),
  },
  {
    name: 'init',
    group: 'start',
    summary: 'Make a folder a project',
    load: () => import('../commands/init.ts'),
  },
  {
    name: 'version',
    group: 'start',
    summary: 'Tell about this program, the machine and the project',
    load: () => import('../commands/version.ts'),
  },
  {
    name: 'doctor',
    group: 'start',
    summary: 'Look for what is wrong: programs, remotes, tracking, ports, permissions',
    load: () => import('../commands/doctor.ts'),
  },
  {
    name: 'docs',
    group: 'start',
    summary: 'Read the manual, which comes with the program',
    load: () => import('../commands/docs.ts'),
  },
  {
    name: 'explain',
    group: 'start',
    summary: 'Say what an error code means',
    load: () => import('../commands/explain.ts'),
  },

  // data
  {
    name: 'add',
    group: 'data',
    summary: 'Track data files or folders',
    load: () => import('../commands/add.ts'),
  },
  {
    name: 'checkout',
    group: 'data',
    summary: 'Bring data in the workspace to the recorded state',
    load: () => import('../commands/checkout.ts'),
  },
  {
    name: 'push',
    group: 'data',
    summary: 'Send tracked data to the remote',
    load: () => import('../commands/push.ts'),
  },
  {
    name: 'pull',
    group: 'data',
    summary: 'Bring tracked data from the remote into the workspace',
    load: () => import('../commands/pull.ts'),
  },
  {
    name: 'fetch',
    group: 'data',
    summary: 'Bring tracked data from the remote into the cache',
    load: () => import('../commands/fetch.ts'),
  },
  {
    name: 'commit',
    group: 'data',
    summary: 'Accept what is in the workspace as the new truth',
    load: () => import('../commands/commit.ts'),
  },
  {
    name: 'data',
    group: 'data',
    summary: 'Show changes in tracked data',
    load: () => import('../commands/data.ts'),
  },
  {
    name: 'diff',
    group: 'data',
    summary: 'Show what changed in tracked data between commits',
    load: () => import('../commands/diff.ts'),
  },
  {
    name: 'move',
    aliases: ['mv'],
    group: 'data',
    summary: 'Rename a tracked file or folder',
    load: () => import('../commands/move.ts'),
  },
  {
    name: 'remove',
    aliases: ['rm'],
    group: 'data',
    summary: 'Stop tracking data, or drop a stage',
    load: () => import('../commands/remove.ts'),
  },
  {
    name: 'unprotect',
    group: 'data',
    summary: 'Turn links to the cache into files that can be edited',
    load: () => import('../commands/unprotect.ts'),
  },
  {
    name: 'gc',
    group: 'data',
    summary: 'Delete what nothing uses from cache and remote',
    load: () => import('../commands/gc.ts'),
  },
  {
    name: 'fsck',
    group: 'data',
    summary: 'Re-hash everything in the cache and heal what is corrupt',
    load: () => import('../commands/fsck.ts'),
  },
  {
    name: 'remote',
    group: 'data',
    summary: 'Set up where data is sent to',
    load: () => import('../commands/remote.ts'),
  },
  {
    name: 'list',
    aliases: ['ls'],
    group: 'data',
    summary: 'List what a repository holds, files of Git and of DVC',
    load: () => import('../commands/list.ts'),
  },
  {
    name: 'list-url',
    aliases: ['ls-url'],
    group: 'data',
    summary: 'List what is at a path or URL',
    load: () => import('../commands/list-url.ts'),
  },
  {
    name: 'get',
    group: 'data',
    summary: 'Copy a file or folder out of a repository',
    load: () => import('../commands/get.ts'),
  },
  {
    name: 'get-url',
    group: 'data',
    summary: 'Copy a file or folder from a path or URL',
    load: () => import('../commands/get-url.ts'),
  },
  {
    name: 'import',
    group: 'data',
    summary: 'Copy a file or folder out of a repository and track where it comes from',
    load: () => import('../commands/import.ts'),
  },
  {
    name: 'import-url',
    group: 'data',
    summary: 'Copy a file or folder from a URL and track where it comes from',
    load: () => import('../commands/import-url.ts'),
  },
  {
    name: 'update',
    group: 'data',
    summary: 'Bring imported data up to date with its source',
    load: () => import('../commands/update.ts'),
  },
  {
    name: 'artifacts',
    group: 'data',
    summary: 'Work with artifacts registered by Git tags',
    load: () => import('../commands/artifacts.ts'),
  },
  {
    name: 'du',
    group: 'data',
    summary: 'Show how much space a repository takes, data included',
    load: () => import('../commands/du.ts'),
  },

  // pipeline
  {
    name: 'repro',
    group: 'pipeline',
    summary: 'Run the stages of the pipeline that changed, and record the run',
    load: () => import('../commands/repro.ts'),
  },
  {
    name: 'status',
    group: 'pipeline',
    summary: 'Show what changed in data and pipelines',
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'dag',
    group: 'pipeline',
    summary: 'Draw which stage needs which',
    load: () => import('../commands/dag.ts'),
  },
  {
    name: 'why',
    group: 'pipeline',
    summary: 'Say why a stage would run',
    load: () => import('../commands/why.ts'),
  },
  {
    name: 'freeze',
    group: 'pipeline',
    summary: 'Keep stages from running when their deps change',
    load: () => import('../commands/freeze.ts'),
  },
  {
    name: 'unfreeze',
    group: 'pipeline',
    summary: 'Let frozen stages run again',
    load: () => import('../commands/unfreeze.ts'),
  },
  {
    name: 'stage',
    group: 'pipeline',
    summary: 'List and make stages',
    load: () => import('../commands/stage.ts'),
  },
  {
    name: 'metrics',
    group: 'pipeline',
    summary: 'Show and compare metrics',
    load: () => import('../commands/metrics.ts'),
  },
  {
    name: 'params',
    group: 'pipeline',
    summary: 'Compare params',
    load: () => import('../commands/params.ts'),
  },
  {
    name: 'plots',
    group: 'pipeline',
    summary: 'Draw and compare plots',
    load: () => import('../commands/plots.ts'),
  },
  {
    name: 'exp',
    group: 'pipeline',
    summary: 'Run, show and compare experiments',
    load: () => import('../commands/exp.ts'),
  },

  // track
  {
    name: 'runs',
    group: 'track',
    summary: 'List, show, compare and search recorded runs',
    load: () => import('../commands/runs.ts'),
  },
  {
    name: 'experiments',
    group: 'track',
    summary: 'Create, list, rename and delete tracking experiments',
    forwardsTo: 'exp',
    load: () => import('../commands/experiments.ts'),
  },
  {
    name: 'models',
    group: 'track',
    summary: 'Register models, promote versions, look at their history',
    load: () => import('../commands/models.ts'),
  },

  {
    name: 'run',
    group: 'track',
    summary: 'Run any command as a recorded run',
    load: () => import('../commands/run.ts'),
  },
  {
    name: 'log',
    group: 'track',
    summary: 'Log from a shell script into the run that it is in',
    load: () => import('../commands/log.ts'),
  },
  {
    name: 'tune',
    group: 'track',
    summary: 'Search hyper-parameters',
    load: () => import('../commands/tune.ts'),
  },
  {
    name: 'migrate',
    group: 'track',
    summary: 'Bring runs and models over from an MLflow store',
    load: () => import('../commands/migrate.ts'),
  },
  {
    name: 'server',
    group: 'track',
    summary: 'Run the tracking server for MLflow clients',
    load: () => import('../commands/server.ts'),
  },
  {
    name: 'ui',
    group: 'track',
    summary: 'Look at runs and models in the browser',
    load: () => import('../commands/ui.ts'),
  },

  // serve
  {
    name: 'serve',
    group: 'serve',
    summary: 'Serve ONNX models over HTTP',
    load: () => import('../commands/serve.ts'),
  },
  {
    name: 'check',
    group: 'serve',
    summary: 'Say whether data are fit for use',
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'monitor',
    group: 'serve',
    summary: 'Know that data or model went wrong',
    load: () => import('../commands/monitor.ts'),
  },
  {
    name: 'auth',
    group: 'serve',
    summary: 'Manage API keys of the servers',
    load: () => import('../commands/auth.ts'),
  },

  // more
  {
    name: 'config',
    group: 'more',
    summary: 'Get or set config options',
    load: () => import('../commands/config.ts'),
  },
  {
    name: 'cache',
    group: 'more',
    summary: 'Manage the cache',
    load: () => import('../commands/cache.ts'),
  },
  {
    name: 'root',
    group: 'more',
    summary: 'Print the way from here to the top of the project',
    load: () => import('../commands/root.ts'),
  },
  {
    name: 'check-ignore',
    group: 'more',
    summary: 'Tell which paths .dvcignore leaves out',
    load: () => import('../commands/check-ignore.ts'),
  },
  {
    name: 'install',
    group: 'more',
    summary: 'Install Git hooks',
    load: () => import('../commands/install.ts'),
  },
  {
    name: 'destroy',
    group: 'more',
    summary: 'Make the project a plain folder again',
    load: () => import('../commands/destroy.ts'),
  },
  {
    name: 'git-hook',
    group: 'more',
    summary: 'Run by the Git hooks that `install` writes',
    hidden: true,
    load: () => import('../commands/git-hook.ts'),
  },
  {
    name: 'completion',
    group: 'more',
    summary: 'Print a shell completion script',
    load: () => import('../commands/completion.ts'),
  },
  {
    name: '__complete',
    group: 'more',
    summary: 'Answer a completion script',
    hidden: true,
    load: async () => ({ verb: (await import('../commands/complete.ts')).completeVerb(verbs) }),
  },
];
