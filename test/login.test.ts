import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { mlops, startMlops, temporaryFolder, urlOf } from './cli.ts';

it('keeps a token that works, in a file of the user alone, for commands on that server', async () => {
  const folder = path.join(temporaryFolder(), 'server');
  fs.mkdirSync(folder);
  const env = { MLFLOW_AUTH_ADMIN_PASSWORD: 'a long enough password' };
  const server = startMlops(folder, ['server', '--app-name', 'basic-auth', '--port', '0'], env);
  const url = await urlOf(server);
  const made = mlops(folder, ['auth', 'token', 'create', 'admin']);
  expect({ status: made.status, stderr: made.stderr }).toMatchObject({ status: 0 });

  const home = path.join(temporaryFolder(), 'person');
  fs.mkdirSync(home);
  const there = { MLFLOW_TRACKING_URI: url };
  expect(mlops(home, ['experiments', 'list'], { env: there }).stderr).toContain('401');
  expect(mlops(home, ['login', url, '--value-stdin'], { input: 'wrong\n' }).status).not.toBe(0);
  const kept = mlops(home, ['login', url, '--value-stdin'], { input: made.stdout });
  expect({ status: kept.status, stderr: kept.stderr }).toMatchObject({ status: 0 });
  const file = / in (\S+logins\.json)/.exec(kept.stderr)?.[1] ?? '';
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect(mlops(home, ['experiments', 'list'], { env: there }).stdout).toContain('Default');
  // Who says who they are is not made somebody else.
  const other = { ...there, MLFLOW_TRACKING_TOKEN: 'wrong' };
  expect(mlops(home, ['experiments', 'list'], { env: other }).stderr).toContain('401');
  expect(mlops(home, ['logout', url]).status).toBe(0);
  expect(mlops(home, ['experiments', 'list'], { env: there }).stderr).toContain('401');
  expect(mlops(home, ['login', 'nowhere']).status).toBe(2);
  server.child.kill('SIGTERM');
  await server.ended;
}, 120_000);
