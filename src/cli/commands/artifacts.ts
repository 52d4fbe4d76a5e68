import { artifactUrl, getArtifact } from '../../repo/imports/artifacts.ts';
import type { Command, Verb } from '../parse/command.ts';
import { jobsFlag } from '../session/data-session.ts';
import { foreignFlags, foreignOptions } from '../parse/foreign-flags.ts';

const getCommand: Command = {
  name: 'artifacts get',
  owner: 'dvc',
  summary: 'Copy a registered version of an artifact out of a repository',
  examples: [
    ['mlops artifacts get ../registry model', 'its highest version'],
    ['mlops artifacts get ../registry model --rev v1.0.0 -o model.pkl', 'one version'],
    ['mlops artifacts get ../registry model --stage prod', 'what is in a stage'],
  ],
  args: [
    { name: 'url', summary: 'path or Git URL of the repository' },
    { name: 'name', summary: 'name of the artifact, FOLDER:NAME when its dvc.yaml is in a folder' },
  ],
  flags: [
    { name: 'rev', value: 'VERSION', summary: 'version, such as v1.0.0' },
    { name: 'stage', value: 'STAGE', summary: 'what is in this stage' },
    { name: 'out', short: 'o', value: 'PATH', summary: 'where to put it', completes: 'path' },
    { name: 'show-url', summary: 'only print where the remote keeps it' },
    jobsFlag,
    { name: 'force', short: 'f', summary: 'replace what is in the way' },
    ...foreignFlags.filter((flag) => flag.name !== 'rev'),
  ],
  failure: 1,
  async run(input, terminal) {
    const { rev, ...options } = foreignOptions(input, terminal);
    const command = {
      ...options,
      url: input.args[0] ?? '',
      name: input.args[1] ?? '',
      version: rev,
      stage: input.text('stage'),
      out: input.text('out'),
      force: input.on('force'),
      jobs: input.number('jobs'),
    };
    if (input.on('show-url')) {
      terminal.print(await artifactUrl(terminal.cwd, command));
      return;
    }
    const { count, out } = await terminal.spin(`getting ${command.name}`, getArtifact(terminal.cwd, command));
    terminal.print(`Downloaded ${count} file(s) to '${out}'`);
  },
};

export const verb: Verb = {
  name: 'artifacts',
  summary: 'Work with artifacts registered by Git tags',
  commands: [getCommand],
};
