import type { VerbRow } from '../parse/verb-row.ts';
import { dataVerbs } from './verbs-data.ts';

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
    aliases: ['doc'],
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

  ...dataVerbs,

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
    name: 'lineage',
    group: 'pipeline',
    summary: 'Show what a prediction, model, run, stage or file came of, or what came of it',
    load: () => import('../commands/lineage.ts'),
  },
  {
    name: 'verify',
    group: 'pipeline',
    summary: 'Read all that a model came of again, and compare it with what was recorded',
    load: () => import('../commands/verify.ts'),
  },
  {
    name: 'reproduce',
    group: 'pipeline',
    summary: 'Run again what made a model or a run, and compare what comes out',
    load: () => import('../commands/reproduce.ts'),
  },
  {
    name: 'forget',
    group: 'pipeline',
    summary: 'Plan, and carry out, that a file or rows are forgotten everywhere',
    load: () => import('../commands/forget.ts'),
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
    aliases: ['stages'],
    group: 'pipeline',
    summary: 'List and make stages',
    load: () => import('../commands/stage.ts'),
  },
  {
    name: 'metrics',
    aliases: ['metric'],
    group: 'pipeline',
    summary: 'Show and compare metrics',
    load: () => import('../commands/metrics.ts'),
  },
  {
    name: 'params',
    aliases: ['param'],
    group: 'pipeline',
    summary: 'Compare params',
    load: () => import('../commands/params.ts'),
  },
  {
    name: 'plots',
    aliases: ['plot'],
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
    aliases: ['experiment'],
    group: 'track',
    summary: 'Create, list, rename and delete tracking experiments',
    forwardsTo: 'exp',
    load: () => import('../commands/experiments.ts'),
  },
  {
    name: 'models',
    aliases: ['model'],
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
    name: 'predict',
    group: 'serve',
    summary: 'Predict every row of a table or every picture of a folder',
    load: () => import('../commands/predict.ts'),
  },
  {
    name: 'traffic',
    group: 'serve',
    summary: 'Divide requests between versions of a model, and compare them',
    load: () => import('../commands/traffic.ts'),
  },
  {
    name: 'check',
    group: 'serve',
    summary: 'Say whether data, models and code are fit for use',
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'ci',
    group: 'serve',
    summary: 'Tell code hosts what changed',
    load: () => import('../commands/ci.ts'),
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
    summary: 'Manage users, tokens and API keys of the servers',
    load: () => import('../commands/auth.ts'),
  },
  {
    name: 'login',
    group: 'serve',
    summary: 'Keep a token for a tracking server',
    load: () => import('../commands/login.ts'),
  },
  {
    name: 'logout',
    group: 'serve',
    summary: 'Forget the token for a tracking server',
    load: () => import('../commands/logout.ts'),
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
    name: 'man',
    group: 'more',
    summary: 'Show the manual page of a command',
    load: async () => ({ verb: (await import('../commands/man.ts')).manVerb(manSource) }),
  },
  {
    name: '__complete',
    group: 'more',
    summary: 'Answer a completion script',
    hidden: true,
    load: async () => ({ verb: (await import('../commands/complete.ts')).completeVerb(verbs) }),
  },
];

async function manSource() {
  const { mainManPage: main, manPage: page } = await import('./man.ts');
  const loaded = await Promise.all(verbs.filter((row) => row.hidden !== true).map((row) => row.load()));
  const commands = loaded.flatMap(({ verb }) => ('run' in verb ? [verb] : verb.commands));
  return { commands: commands.filter((command) => command.hidden !== true), page, main };
}
