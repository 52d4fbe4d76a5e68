import { trackingPlace } from '../../app/places/tracking-home.ts';
import { createKey, fileKeyStore, revokeKey, type KeyStore } from '../../auth/index.ts';
import { MlopsError } from '../../base/index.ts';
import { makePrivateFolder, privateFile, privateFolder } from '../../trust/index.ts';
import type { Command, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { textTable } from '../tables/text-table.ts';
import { userCommands } from './auth-users.ts';

function keyStore(terminal: Terminal): KeyStore {
  const folder = privateFolder(trackingPlace(terminal.cwd, terminal.env).root);
  return fileKeyStore(privateFile(folder, 'keys.json'), () => makePrivateFolder(folder));
}

const create: Command = {
  name: 'auth key create',
  owner: 'mlops',
  summary: 'Create an API key and show it once',
  examples: [
    ['mlops auth key create dashboard', 'a key that may predict'],
    ['mlops auth key create deployer --scope admin', 'a key that may also load and unload models'],
  ],
  args: [{ name: 'name', summary: 'who will use it' }],
  flags: [
    { name: 'scope', value: 'SCOPE', choices: ['predict', 'admin'], default: 'predict', summary: 'what it may do' },
    { name: 'days', value: 'N', integer: true, summary: 'expire after N days' },
    { name: 'json', summary: 'print JSON' },
  ],
  run(input, terminal) {
    const [name = ''] = input.args;
    const days = input.number('days');
    if (days !== undefined && days < 1) throw new MlopsError('usage', '--days must be 1 or more');
    const { key, secret } = createKey(keyStore(terminal), {
      name,
      scopes: [input.text('scope') === 'admin' ? 'admin' : 'predict'],
      expires: days === undefined ? undefined : new Date(Date.now() + days * 86_400_000),
    });
    if (input.on('json')) return terminal.json({ id: key.id, name, scopes: key.scopes, key: secret });
    terminal.print(secret);
    terminal.note('Keep it now: it is stored only as a hash and cannot be shown again.');
  },
};

const list: Command = {
  name: 'auth key list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List API keys without their secrets',
  examples: [['mlops auth key list', 'id, name, scope and dates']],
  flags: [{ name: 'json', summary: 'print JSON' }],
  run(input, terminal) {
    const keys = keyStore(terminal).load();
    if (input.on('json')) {
      return terminal.json(
        keys.map(({ id, name, scopes, created, expires }) => ({ id, name, scopes, created, expires })),
      );
    }
    if (keys.length === 0) return terminal.note('no keys');
    const rows = keys.map((key) => [
      key.id,
      key.name,
      key.scopes.join(','),
      key.created.slice(0, 10),
      key.expires?.slice(0, 10) ?? 'never',
    ]);
    const header = ['id', 'name', 'scope', 'created', 'expires'].map((title) => ({ title }));
    for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
  },
};

const revoke: Command = {
  name: 'auth key revoke',
  owner: 'mlops',
  summary: 'Revoke an API key; running servers refuse it within a second',
  examples: [['mlops auth key revoke dashboard', 'by name or id']],
  args: [{ name: 'key', summary: 'id or name' }],
  flags: [{ name: 'dry-run', summary: 'only say which would be revoked' }],
  run(input, terminal) {
    const dry = input.on('dry-run');
    for (const { name, id } of revokeKey(keyStore(terminal), input.args[0] ?? '', { dry }))
      terminal.note(`${dry ? 'would revoke' : 'revoked'} ${name} (${id})`);
  },
};

export const verb: Verb = {
  name: 'auth',
  summary: 'Manage users, tokens and API keys of the servers',
  commands: [create, list, revoke, ...userCommands],
};
