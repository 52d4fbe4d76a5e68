// Real TLS: a server with certificates of an authority of our own, asked as libpq's clients ask.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

import { openTracking } from '../../../src/tracking/index.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

describeWithTool('postgres', 'PostgreSQL over TLS', ({ postgres }) => {
  let server: PostgresServer;
  let folder: string;
  let base: string;

  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const certify = (name: string, subject: string, authority: string, extension: string): void => {
    fs.writeFileSync(path.join(folder, `${name}.ext`), extension);
    openssl(
      ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', subject, '-keyout', `${name}.key`],
      '-out',
      `${name}.csr`,
    );
    const by = ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...by,
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    );
  };

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-tls-'));
    for (const name of ['ca', 'other']) {
      openssl(
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
      );
    }
    certify('server', '/CN=localhost', 'ca', 'subjectAltName=DNS:localhost');
    certify('client', '/CN=mlops', 'ca', 'extendedKeyUsage=clientAuth');
    certify('stranger', '/CN=mlops', 'other', 'extendedKeyUsage=clientAuth');
    server = await PostgresServer.start(postgres);
    const data = path.join(server.folder, 'data');
    for (const name of ['server.key', 'server.crt', 'ca.crt']) {
      const { uid, gid } = fs.statSync(data);
      fs.copyFileSync(path.join(folder, name), path.join(data, name));
      fs.chownSync(path.join(data, name), uid, gid);
      fs.chmodSync(path.join(data, name), 0o600);
    }
    await server.query(`ALTER SYSTEM SET ssl = on`);
    await server.query(`ALTER SYSTEM SET ssl_ca_file = 'ca.crt'`);
    await server.query(`CREATE DATABASE plain`);
    await server.query(`CREATE DATABASE certified`);
    // Over the loopback only with TLS; into one database only with a certificate.
    fs.writeFileSync(
      path.join(data, 'pg_hba.conf'),
      'local all all trust\nhostssl certified all 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 trust\n',
    );
    await server.query('SELECT pg_reload_conf()');
    await new Promise((resolve) => setTimeout(resolve, 500));
    base = `postgresql://mlops@localhost:${server.port}`;
  });
  afterAll(async () => {
    await server.end();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  async function asked(database: string, query: string): Promise<string> {
    const uri = `${base}/${database}?${query.replaceAll('@', `${folder}/`)}`;
    try {
      const store = await openTracking(uri, { artifacts: '/nowhere', patience: 500, env: {} });
      onTestFinished(() => store.close());
      const [row] = await server.query(
        `SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'mlops' AND datname = '${database}'`,
      );
      return row?.['ssl'] === true ? 'encrypted' : 'open';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  it('encrypts, checks authority and name as told, and shows a certificate of its own', async () => {
    expect(await asked('plain', '')).toBe('encrypted');
    expect(await asked('plain', 'sslmode=require')).toBe('encrypted');
    expect(await asked('plain', 'sslmode=disable')).toBe('store_refused');
    expect(await asked('plain', 'sslmode=verify-full&sslrootcert=@ca.crt')).toBe('encrypted');
    expect(await asked('plain', 'sslmode=verify-ca&sslrootcert=@ca.crt')).toBe('encrypted');
    expect(await asked('plain', 'sslmode=verify-full&sslrootcert=@other.crt')).toBe('store_refused');
    expect(await asked('plain', 'sslmode=require&sslrootcert=@other.crt')).toBe('store_refused');
    expect(await asked('plain', 'sslmode=verify-full&sslrootcert=@missing.crt')).toBe('invalid_value');
    const mine = 'sslmode=verify-full&sslrootcert=@ca.crt';
    expect(await asked('certified', mine)).toBe('store_refused');
    expect(await asked('certified', `${mine}&sslcert=@client.crt&sslkey=@client.key`)).toBe('encrypted');
    expect(await asked('certified', `${mine}&sslcert=@stranger.crt&sslkey=@stranger.key`)).toBe('store_refused');
    base = base.replace('localhost', '127.0.0.1');
    // The certificate is for another name.
    expect(await asked('plain', mine)).toBe('store_refused');
    expect(await asked('plain', mine.replace('full', 'ca'))).toBe('encrypted');
  });
});
