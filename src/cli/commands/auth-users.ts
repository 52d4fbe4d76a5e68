import { hashPassword, newToken, refuseWeakPassword, type AuthStore, type User } from '../../auth/index.ts';
import { MlopsError } from '../../base/index.ts';
import { openTracking } from '../../tracking/index.ts';
import { storeUri } from '../../app/runs/back-up-store.ts';
import { ownPlace } from '../../app/places/tracking-home.ts';
import type { Command, FlagSpec, Input } from '../parse/command.ts';
import { textTable } from '../tables/text-table.ts';
import type { Terminal } from '../terminal/terminal.ts';

const storeFlag: FlagSpec = {
  name: 'backend-store-uri',
  value: 'URI',
  summary: "store of the server (default: the project's own)",
  env: 'MLFLOW_BACKEND_STORE_URI',
  completes: 'path',
};
const jsonFlag: FlagSpec = { name: 'json', summary: 'print JSON' };

/** Opens the users of a store, hands them over, and closes it whatever happens. */
async function withUsers<Result>(
  input: Input,
  terminal: Terminal,
  work: (auth: AuthStore) => Promise<Result>,
): Promise<Result> {
  const uri = storeUri({
    place: ownPlace(terminal.cwd, terminal.env),
    cwd: terminal.cwd,
    backend: input.text('backend-store-uri'),
    env: terminal.env,
  });
  const store = await openTracking(uri, { env: terminal.env });
  try {
    if (store.auth === undefined)
      throw new MlopsError('usage', 'users are kept where the store is, not on its clients');
    return await work(store.auth);
  } finally {
    await store.close();
  }
}

async function needUser(auth: AuthStore, username: string): Promise<User> {
  const user = await auth.findUser(username);
  if (user !== undefined) return user;
  throw new MlopsError('resource_missing', `there is no user '${username}'`, { hint: 'see `mlops auth user list`' });
}

/** Written down as done at the machine of the store. */
async function note(auth: AuthStore, what: string, target: string): Promise<void> {
  await auth.addAudit({ at: Date.now(), who: '(command line)', what, target, from: 'local', result: 'done' });
}

const createUser: Command = {
  name: 'auth user create',
  owner: 'mlops',
  summary: 'Create a user who may sign in',
  description:
    'The password is read from MLOPS_PASSWORD. A user without one, or a service, signs in with tokens. From the first user on, servers that are started on this store ask who calls.',
  examples: [
    ['MLOPS_PASSWORD=... mlops auth user create ann --admin', 'the first administrator'],
    ['mlops auth user create ci --service', 'a program, which gets tokens'],
  ],
  args: [{ name: 'username', summary: 'name to sign in with' }],
  flags: [
    { name: 'admin', summary: 'may do everything' },
    { name: 'service', summary: 'a program: no password' },
    storeFlag,
  ],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const [username = ''] = input.args;
      const password = input.on('service') ? undefined : terminal.env['MLOPS_PASSWORD'];
      if (password !== undefined) refuseWeakPassword(password);
      const passwordHash = password === undefined ? '' : await hashPassword(password);
      const kind = input.on('service') ? 'service' : 'person';
      await auth.createUser({ username, passwordHash, isAdmin: input.on('admin'), kind });
      await note(auth, 'users/create', `username=${username}`);
      terminal.note(`created ${username}`);
      if (password === undefined) terminal.next(`mlops auth token create ${username}`);
    }),
};

const listUsers: Command = {
  name: 'auth user list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List the users of a store',
  examples: [['mlops auth user list', 'names, and who may do everything']],
  flags: [jsonFlag, storeFlag],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const users = (await auth.listUsers()).map(({ id, username, isAdmin, kind }) => ({
        id,
        username,
        isAdmin,
        kind,
      }));
      if (input.on('json')) return terminal.json(users);
      if (users.length === 0) return terminal.note('no users');
      const header = ['id', 'username', 'kind', 'admin'].map((title) => ({ title }));
      const rows = users.map(({ id, username, kind, isAdmin }) => [String(id), username, kind, isAdmin ? 'yes' : '']);
      for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
    }),
};

const deleteUser: Command = {
  name: 'auth user delete',
  owner: 'mlops',
  summary: 'Delete a user with their tokens and grants',
  examples: [['mlops auth user delete ann', 'running servers refuse them within a second']],
  args: [{ name: 'username', summary: 'who' }],
  flags: [{ name: 'dry-run', summary: 'only say who would be deleted' }, storeFlag],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const user = await needUser(auth, input.args[0] ?? '');
      if (input.on('dry-run')) return terminal.note(`would delete ${user.username}`);
      await auth.deleteUser(user.id);
      await note(auth, 'users/delete', `username=${user.username}`);
      terminal.note(`deleted ${user.username}`);
    }),
};

const scopes: Readonly<Record<string, string>> = {
  read: 'read',
  write: 'read,write',
  predict: 'predict',
  admin: 'read,write,admin',
};

const createToken: Command = {
  name: 'auth token create',
  owner: 'mlops',
  summary: 'Create a token of a user and show it once',
  examples: [
    ['mlops auth token create ci --days 90', 'the value of MLFLOW_TRACKING_TOKEN for a program'],
    ['mlops auth token create ann --scope read', 'one that changes nothing, whatever Ann may do'],
  ],
  args: [{ name: 'username', summary: 'whose' }],
  flags: [
    {
      name: 'scope',
      value: 'SCOPE',
      choices: Object.keys(scopes),
      default: 'write',
      summary: 'what it may do at most',
    },
    { name: 'name', value: 'NAME', default: 'token', summary: 'what it is for' },
    { name: 'days', value: 'N', integer: true, summary: 'expire after N days' },
    jsonFlag,
    storeFlag,
  ],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const days = input.number('days');
      if (days !== undefined && days < 1) throw new MlopsError('usage', '--days must be 1 or more');
      const user = await needUser(auth, input.args[0] ?? '');
      const now = Date.now();
      const { token, secret } = newToken(
        {
          userId: user.id,
          name: input.text('name') ?? 'token',
          kind: 'token',
          scopes: scopes[input.text('scope') ?? 'write'] ?? 'read',
          expires: days === undefined ? 0 : now + days * 86_400_000,
        },
        now,
      );
      await auth.addToken(token);
      await note(auth, 'tokens/create', `username=${user.username} id=${token.id} scopes=${token.scopes}`);
      if (input.on('json')) return terminal.json({ id: token.id, username: user.username, token: secret });
      terminal.print(secret);
      terminal.note('Keep it now: it is stored only as a hash and cannot be shown again.');
    }),
};

const listTokens: Command = {
  name: 'auth token list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List tokens without their secrets',
  examples: [['mlops auth token list', 'whose they are, what they may do, when they were used']],
  flags: [jsonFlag, storeFlag],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const names = new Map((await auth.listUsers()).map(({ id, username }) => [id, username]));
      const day = (time: number): string => (time === 0 ? 'never' : new Date(time).toISOString().slice(0, 10));
      const tokens = (await auth.listTokens()).map(({ id, userId, name, kind, scopes: may, expires, lastUsed }) => ({
        ...{ id, username: names.get(userId) ?? '', name, kind, scopes: may },
        ...{ expires: day(expires), last_used: day(lastUsed) },
      }));
      if (input.on('json')) return terminal.json(tokens);
      if (tokens.length === 0) return terminal.note('no tokens');
      const header = Object.keys(tokens[0] ?? {}).map((title) => ({ title }));
      for (const line of textTable(
        header,
        tokens.map((one) => Object.values(one)),
        terminal.columns,
      ))
        terminal.print(line);
    }),
};

const revokeToken: Command = {
  name: 'auth token revoke',
  owner: 'mlops',
  summary: 'Revoke a token; running servers refuse it within a second',
  examples: [['mlops auth token revoke 3f0a12bc94de', 'by the id that `list` shows']],
  args: [{ name: 'id', summary: 'id of the token' }],
  flags: [{ name: 'dry-run', summary: 'only say which would be revoked' }, storeFlag],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const [id = ''] = input.args;
      if ((await auth.findToken(id)) === undefined) {
        throw new MlopsError('key_not_found', `there is no token '${id}'`, { hint: 'see `mlops auth token list`' });
      }
      if (input.on('dry-run')) return terminal.note(`would revoke ${id}`);
      await auth.removeToken(id);
      await note(auth, 'tokens/revoke', `id=${id}`);
      terminal.note(`revoked ${id}`);
    }),
};

const audit: Command = {
  name: 'auth audit',
  owner: 'mlops',
  summary: 'Show who changed what on a server',
  description: 'The log is only added to. --json prints a line for each entry, to be kept elsewhere.',
  examples: [
    ['mlops auth audit', 'the last hundred changes and sign-ins'],
    ['mlops auth audit --after 5000 --json', 'what came after entry 5000'],
  ],
  flags: [
    { name: 'limit', value: 'N', integer: true, default: '100', summary: 'entries at most' },
    { name: 'after', value: 'N', integer: true, summary: 'only entries behind this number, the oldest first' },
    jsonFlag,
    storeFlag,
  ],
  run: (input, terminal) =>
    withUsers(input, terminal, async (auth) => {
      const lines = await auth.listAudit({ limit: input.number('limit') ?? 100, after: input.number('after') });
      const shown = lines.map(({ at, ...line }) => ({ ...line, at: new Date(at).toISOString() }));
      if (input.on('json')) return terminal.json(shown);
      const header = ['n', 'time', 'who', 'what', 'target', 'from', 'result'].map((title) => ({ title }));
      const rows = shown.map((line) => [
        ...[String(line.n), line.at.slice(0, 19), line.who, line.what, line.target, line.from, line.result],
      ]);
      for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
    }),
};

/** Users, tokens and the audit log of a server, at the machine of its store. */
export const userCommands: readonly Command[] = [
  ...[createUser, listUsers, deleteUser],
  ...[createToken, listTokens, revokeToken],
  audit,
];
