import { MlopsError } from '../../base/index.ts';

/** What DVC 3.67 or MLflow 3.17 have and this program lacks, with what to do meanwhile. docs/from-dvc.md lists the first. */
export const absentFromDvc: Readonly<Record<string, string>> = {
  'exp push': 'make it a branch: mlops exp branch NAME BRANCH, git push origin BRANCH, mlops push --all-branches',
  'exp pull': 'fetch its branch by Git, then bring the data: mlops pull',
  'exp clean': 'there is nothing to clean: experiments run in the workspace and leave no temporary files',
  'exp exec-run': 'it is internal to the queue of DVC; several runs are searched by mlops tune run',
  'exp queue-worker': 'it is internal to the queue of DVC; several runs are searched by mlops tune run',
  queue: 'run them one after the other with mlops exp run -S KEY=VALUE, or search with mlops tune run',
  daemon: 'nothing runs in the background: there is neither an updater nor analytics',
  dataset: 'track a source with mlops import or mlops import-url',
  ds: 'track a source with mlops import or mlops import-url',
  'import-db': 'export the table to a file and track that: mlops import-url, or a stage that queries',
  'test-db': 'export the table to a file and track that: mlops import-url, or a stage that queries',
  studio: 'runs are kept by the project itself: mlops ui shows them, mlops server shares them',
};

export const absentFromMlflow: Readonly<Record<string, string>> = {
  'migrate-filestore': 'mlops migrate mlflow ./mlruns reads a folder of files',
  db: 'the tables are looked at and upgraded by mlops server db',
  deployments: 'a model is served here by mlops serve',
  sagemaker: 'a model is served here by mlops serve',
  gateway: 'a model is served here by mlops serve; calls to models of others are not forwarded',
  crypto: 'keys of the servers are made by mlops auth key create',
  scorers: 'the client of MLflow keeps scorers on mlops server as on its own',
  traces: 'the client of MLflow keeps traces on mlops server as on its own',
  datasets: 'the client of MLflow keeps datasets on mlops server as on its own',
};

/** Flags of DVC that its verb lacks here; '*' stands for all verbs. */
export const absentFlags: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'exp run': {
    '--queue': 'run them one after the other, or search with mlops tune run',
    '--run-all': 'there is no queue: mlops tune run runs what a search wants',
    '--jobs': 'several run at a time by mlops tune run -j N',
    '-j': 'several run at a time by mlops tune run -j N',
    '--temp': 'run in a copy: git worktree add ../try, cd ../try, mlops exp run',
    '--no-hydra': 'configurations are not composed by Hydra here, so there is nothing to leave out',
    '-M': 'write -m or --message',
  },
  'exp save': {
    '-R': 'name the files: -I FILE',
    '--recursive': 'name the files: -I FILE',
    '--json': 'the name is the last word of the one line that is printed',
    '-M': 'write -m or --message',
  },
  'exp apply': { '--no-force': 'commit or stash what is changed first' },
  'exp remove': {
    '-n': 'name the experiments, or give --rev',
    '--num': 'name the experiments, or give --rev',
    '--queue': 'there is no queue',
    '-g': "git push REMOTE --delete 'refs/exps/...' removes it there",
    '--git-remote': "git push REMOTE --delete 'refs/exps/...' removes it there",
  },
  'exp rename': {
    '-g': 'push it again under its new name, as a branch',
    '--git-remote': 'push it again under its new name, as a branch',
  },
  '*': {
    '--cprofile': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--cprofile-dump': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--yappi': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--yappi-separate-threads': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--viztracer': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--viztracer-depth': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--viztracer-async': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--instrument': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--instrument-open': 'node --cpu-prof "$(command -v mlops)" COMMAND writes a profile',
    '--pdb': 'mlops --debug COMMAND shows the stack of an error',
    '--show-stack': 'mlops --debug COMMAND shows the stack of an error',
    '--ss': 'mlops --debug COMMAND shows the stack of an error',
  },
};

/** The error for a verb that another tool has, by the words of the line; undefined for any other. */
export function absentVerb(words: readonly string[]): MlopsError | undefined {
  const [first = '', second = ''] = words;
  const group = first === 'experiments' || first === 'experiment' ? 'exp' : first;
  for (const [tool, table] of [
    ['DVC', absentFromDvc],
    ['MLflow', absentFromMlflow],
  ] as const) {
    const name = [`${group} ${second}`, group].find((candidate) => Object.hasOwn(table, candidate));
    if (name !== undefined)
      return new MlopsError('not_implemented', `${tool} has \`${name}\`, mlops has not`, { hint: table[name] });
  }
  return undefined;
}

/** The same for a flag of a command. */
export function absentFlag(command: string, flag: string): string | undefined {
  return absentFlags[command]?.[flag] ?? absentFlags['*']?.[flag];
}
