import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { invalid } from '../../mlflow/index.ts';
import { withoutPassword } from '../address.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** How the connection is encrypted, as libpq has it; `prefer` takes what the server offers. */
const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

export interface Address {
  /** Tried in order until one takes writes: a name, an IP address, or the folder of a socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  /** Undefined: `.pgpass` is looked into. */
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: {
    readonly mode: SslMode;
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  };
  /** Seconds for one attempt to connect. */
  readonly connectTimeout: number | undefined;
  /** The schema that holds our tables. Default `mlops`. */
  readonly schema: string;
  /** Without password. */
  readonly shown: string;
}

/**
 * Reads `postgresql://USER:PASSWORD@HOST:PORT,HOST2/DATABASE?sslmode=...&host=/SOCKET/FOLDER`, with libpq's
 * variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY,
 * PGCONNECT_TIMEOUT) for what it leaves out, and MLOPS_POSTGRES_PASSWORD before PGPASSWORD.
 *
 * @throws MlopsError `invalid_value`; no message holds a password.
 */
export function readAddress(uri: string, env: Env): Address {
  const shown = withoutPassword(uri);
  const wrong = (why: string): Error => invalid(`'${shown}' is no address of a PostgreSQL database: ${why}`);
  const [, authority = '', file = '', query = ''] =
    /^[a-z+0-9_]+:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(uri) ?? [];
  if (!/^[a-z+0-9_]+:\/\//i.test(uri)) throw wrong('write postgresql://USER@HOST/DATABASE');
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw wrong('a % in it is not followed by two hexadecimal digits');
    }
  };
  const at = authority.lastIndexOf('@');
  const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(at < 0 ? '' : authority.slice(0, at)) ?? [];
  const given = new URLSearchParams(query);
  for (const name of given.keys()) if (!known.has(name)) throw wrong(`'${name}' is not known`);
  const value = (name: string, variable: string): string | undefined => given.get(name) ?? (env[variable] || undefined);
  const named = authority.slice(at + 1);
  const hosts = readHosts(
    named === '' ? (value('host', 'PGHOST') ?? '') : named,
    value('port', 'PGPORT'),
    decode,
    wrong,
  );
  const name = decode(user) || given.get('user') || env['PGUSER'] || os.userInfo().username;
  const mode = value('sslmode', 'PGSSLMODE') ?? 'prefer';
  if (!sslModes.includes(mode as SslMode)) throw wrong(`sslmode is one of ${sslModes.join(', ')}`);
  const schema = /^-c\s*search_path=(\w+)$/.exec(given.get('options') ?? '')?.[1] ?? given.get('schema') ?? 'mlops';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw wrong('a schema has a name of small letters, digits and _');
  const timeout = Number(value('connect_timeout', 'PGCONNECT_TIMEOUT') ?? NaN);
  return {
    hosts,
    user: name,
    password:
      (password === undefined ? undefined : decode(password)) ??
      given.get('password') ??
      (env['MLOPS_POSTGRES_PASSWORD'] || env['PGPASSWORD'] || undefined),
    database: decode(file) || given.get('dbname') || env['PGDATABASE'] || name,
    ssl: {
      mode: mode as SslMode,
      ca: certificate(value('sslrootcert', 'PGSSLROOTCERT'), 'root.crt', wrong),
      cert: certificate(value('sslcert', 'PGSSLCERT'), 'postgresql.crt', wrong),
      key: certificate(value('sslkey', 'PGSSLKEY'), 'postgresql.key', wrong),
    },
    connectTimeout: Number.isFinite(timeout) && timeout > 0 ? timeout : undefined,
    schema,
    shown,
  };
}

const known: ReadonlySet<string> = new Set([
  ...['host', 'port', 'user', 'password', 'dbname', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'connect_timeout'],
  ...[
    'application_name',
    'options',
    'schema',
    'target_session_attrs',
    'gssencmode',
    'channel_binding',
    'client_encoding',
  ],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout'],
]);

function readHosts(
  list: string,
  ports: string | undefined,
  decode: (text: string) => string,
  wrong: (why: string) => Error,
): Address['hosts'] {
  const defaults = (ports ?? '5432').split(',');
  if (list === '') return [{ host: defaultHost(), port: portOf(defaults[0] ?? '', wrong) }];
  return list.split(',').map((one, i) => {
    const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|((?:%3A|[^:[\]])*))(?::(\d+))?$/i.exec(one) ?? [];
    const host = decode(bracketed ?? plain);
    if (host === '' && bracketed === undefined && plain === '' && one !== '' && port === undefined) {
      throw wrong(`'${one}' is no host`);
    }
    return { host: host === '' ? 'localhost' : host, port: portOf(port ?? defaults[i] ?? defaults[0] ?? '', wrong) };
  });
}

function portOf(text: string, wrong: (why: string) => Error): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw wrong(`'${text}' is no port`);
  return port;
}

/** Where a server of this machine has its socket, else the loopback address. */
function defaultHost(): string {
  return (
    ['/var/run/postgresql', '/tmp'].find((folder) => fs.existsSync(path.join(folder, '.s.PGSQL.5432'))) ?? 'localhost'
  );
}

/** A certificate that is named, or is where libpq looks for it. */
function certificate(file: string | undefined, name: string, wrong: (why: string) => Error): string | undefined {
  if (file === 'system') return undefined;
  if (file !== undefined && !fs.existsSync(file)) throw wrong(`there is no certificate or key '${file}'`);
  if (file !== undefined) return file;
  const usual = path.join(os.homedir(), '.postgresql', name);
  return fs.existsSync(usual) ? usual : undefined;
}
