import { MlopsError } from '../../base/index.ts';
import { openConfig } from '../../repo/setup/config.ts';
import {
  addRemote,
  defaultRemote,
  listRemotes,
  modifyRemote,
  removeRemote,
  renameRemote,
  setDefaultRemote,
} from '../../repo/setup/remotes.ts';
import type { ArgSpec, Command, Verb } from '../parse/command.ts';
import { levelFlags, levelOf } from '../parse/config-levels.ts';
import { secretFlags, secretValue } from '../session/secret-value.ts';
import { say } from '../session/data-session.ts';

const nameArg: ArgSpec = { name: 'name', summary: 'name of the remote', completes: 'remote' };

const add: Command = {
  name: 'remote add',
  owner: 'dvc',
  summary: 'Add a remote',
  examples: [
    ['mlops remote add -d store ../store', 'a folder, as the default'],
    ['mlops remote add cloud s3://bucket/path', 'a bucket'],
  ],
  args: [nameArg, { name: 'url', summary: 'path or URL, relative to here', completes: 'path' }],
  flags: [
    ...levelFlags,
    { name: 'default', short: 'd', summary: 'make it the default remote' },
    { name: 'force', short: 'f', summary: 'replace a remote of that name' },
  ],
  run(input, terminal) {
    const [name = '', url = ''] = input.args;
    if (input.on('default')) say(terminal, `Setting '${name.toLowerCase()}' as a default remote.`);
    addRemote(openConfig(terminal.cwd), name, url, {
      isDefault: input.on('default'),
      force: input.on('force'),
      level: levelOf(input),
    });
  },
};

const modify: Command = {
  name: 'remote modify',
  owner: 'dvc',
  summary: 'Set an option of a remote',
  examples: [
    ['mlops remote modify cloud endpointurl http://localhost:9000', 'another S3 service'],
    ['mlops remote modify --local cloud secret_access_key --value-prompt', 'a secret, in the file that Git ignores'],
    ['mlops remote modify -u cloud region', 'remove an option'],
  ],
  args: [
    nameArg,
    { name: 'option', summary: 'name of the option' },
    { name: 'value', summary: 'its value', optional: true },
  ],
  flags: [...levelFlags, { name: 'unset', short: 'u', summary: 'remove the option' }, ...secretFlags],
  async run(input, terminal) {
    const [name = '', option = '', given] = input.args;
    const value = given ?? (await secretValue(input, terminal));
    if (value === undefined && !input.on('unset')) {
      throw new MlopsError('usage', 'the following arguments are required: value', {
        hint: 'give a value, or -u to remove the option',
      });
    }
    modifyRemote(openConfig(terminal.cwd), name, option, input.on('unset') ? undefined : value, levelOf(input));
  },
};

const standard: Command = {
  name: 'remote default',
  owner: 'dvc',
  summary: 'Show or set the default remote',
  examples: [['mlops remote default store', 'push and pull use it from now on']],
  args: [{ ...nameArg, optional: true }],
  flags: [...levelFlags, { name: 'unset', short: 'u', summary: 'unset it' }],
  run(input, terminal) {
    const [name] = input.args;
    const place = openConfig(terminal.cwd);
    if (name !== undefined || input.on('unset')) {
      setDefaultRemote(place, input.on('unset') ? undefined : name, levelOf(input));
      return 0;
    }
    const current = defaultRemote(place, levelOf(input));
    say(terminal, current ?? 'No default remote set');
    return current === undefined ? 1 : 0;
  },
};

const list: Command = {
  name: 'remote list',
  owner: 'dvc',
  summary: 'List the remotes',
  examples: [['mlops remote list', 'names and places']],
  flags: [...levelFlags, { name: 'json', summary: 'as JSON' }],
  run(input, terminal) {
    const remotes = listRemotes(openConfig(terminal.cwd), levelOf(input));
    if (input.on('json')) return terminal.json(remotes);
    for (const { name, url, isDefault } of remotes) {
      say(terminal, expandTabs(`${name}\t${url}${isDefault ? '\t(default)' : ''}`));
    }
  },
};

const remove: Command = {
  name: 'remote remove',
  aliases: ['remote rm'],
  owner: 'dvc',
  summary: 'Remove a remote',
  examples: [['mlops remote remove store', 'forget it; its data stays']],
  args: [nameArg],
  flags: levelFlags,
  run(input, terminal) {
    removeRemote(openConfig(terminal.cwd), input.args[0] ?? '', levelOf(input));
  },
};

const rename: Command = {
  name: 'remote rename',
  owner: 'dvc',
  summary: 'Rename a remote',
  examples: [['mlops remote rename store backup', 'the default follows']],
  args: [nameArg, { name: 'new', summary: 'the new name' }],
  flags: levelFlags,
  run(input, terminal) {
    renameRemote(openConfig(terminal.cwd), input.args[0] ?? '', input.args[1] ?? '', levelOf(input));
  },
};

export const verb: Verb = {
  name: 'remote',
  summary: 'Set up where data is sent to',
  commands: [add, modify, standard, list, remove, rename],
};

/** Tab stops at every eighth column, as DVC prints them. */
function expandTabs(line: string): string {
  let shown = '';
  for (const part of line.split('\t')) shown += part.padEnd((Math.floor(part.length / 8) + 1) * 8);
  return shown.slice(0, shown.length - (8 - ((line.split('\t').at(-1) ?? '').length % 8)));
}
