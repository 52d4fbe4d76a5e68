import { MlopsError } from '../../base/index.ts';
import { getConfig, listConfig, openConfig, parseOptionName, setConfig } from '../../repo/setup/config.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { levelFlags, levelOf } from '../parse/config-levels.ts';
import { secretFlags, secretValue } from '../session/secret-value.ts';
import { say } from '../session/data-session.ts';

export const verb: Command = {
  name: 'config',
  owner: 'dvc',
  summary: 'Get or set config options',
  examples: [
    ['mlops config -l --show-origin', 'all options, with the files they are from'],
    ['mlops config core.autostage true', 'stage changed files in Git by itself'],
    ['mlops config --local remote.store.password --value-prompt', 'a secret, in the file that Git ignores'],
    ['mlops config -u cache.type', 'remove an option'],
  ],
  args: [
    { name: 'name', summary: 'section.option or remote.name.option', optional: true },
    { name: 'value', summary: 'the value to set', optional: true },
  ],
  flags: [
    ...levelFlags,
    { name: 'unset', short: 'u', summary: 'remove the option' },
    ...secretFlags,
    { name: 'list', short: 'l', summary: 'list all options' },
    { name: 'json', ours: true, summary: 'as JSON: key, value and file of each' },
    { name: 'show-secrets', ours: true, summary: 'passwords and secret keys, too, which -l hides' },
    { name: 'show-origin', summary: 'show the file that each value is from' },
  ],
  async run(input, terminal) {
    const [name, given] = input.args;
    const value = given ?? (await secretValue(input, terminal));
    const option = name === undefined ? undefined : parseOptionName(name);
    const wrong = misuse(input, name, value);
    if (wrong !== undefined) throw new MlopsError('usage', wrong, { exit: 1 });
    if (input.on('list')) return list(input, terminal);
    if (option === undefined) throw new MlopsError('usage', 'name argument is required', { exit: 1 });
    const place = openConfig(terminal.cwd);
    if (value === undefined && !input.on('unset')) {
      const found = getConfig(place, option, levelOf(input));
      if (input.on('json')) return terminal.json(found ?? null);
      if (found !== undefined) say(terminal, prefix(input, found.origin) + found.value);
      return;
    }
    setConfig(place, option, input.on('unset') ? undefined : value, levelOf(input));
    if (name === 'cache.type') {
      terminal.note('links that are there already stay as they are; `mlops checkout --relink` makes them anew');
    }
  },
};

function misuse(input: Input, name: string | undefined, value: string | undefined): string | undefined {
  if (input.on('show-origin') && (value !== undefined || input.on('unset'))) {
    return "--show-origin can't be used together with any of these options: -u/--unset, value";
  }
  if (input.on('list') && (name !== undefined || input.on('unset'))) {
    return "-l/--list can't be used together with any of these options: -u/--unset, name, value";
  }
  return undefined;
}

function list(input: Input, terminal: Terminal): void {
  const hides = !input.on('show-secrets') && !terminal.asDvc;
  const options = listConfig(openConfig(terminal.cwd), levelOf(input)).map((option) =>
    hides ? { ...option, value: masked(option.key, option.value) } : option,
  );
  if (input.on('json')) return terminal.json(options);
  for (const { key, value, origin } of options) {
    say(terminal, `${prefix(input, origin)}${key}=${value}`);
  }
}

/** Options of remotes that let somebody in; of an address with a password in it, the password. */
const secretKeys =
  /(?:^|\.)(?:password|passphrase|token|sas_token|account_key|access_key|secret_access_key|session_token|connection_string|client_secret|oss_key_secret|gdrive_client_secret|ask_password_value)$/;

function masked(key: string, value: string): string {
  if (secretKeys.test(key)) return '*****';
  return value.replace(/^([a-z][a-z0-9+.-]{0,20}:\/\/[^/:@]{1,200}:)[^/@]{1,200}@/i, '$1*****@');
}

function prefix(input: Input, origin: string): string {
  return input.on('show-origin') ? `${origin}\t` : '';
}
