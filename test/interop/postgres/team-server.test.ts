// docs/team-server.md: two replicas on PostgreSQL and MinIO behind a real nginx, with the page's own configuration.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { mlops, root, startMlops, temporaryFolder, urlOf } from '../../cli.ts';
import { freePort } from '../../support/free-port.ts';
import { password, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';
import { minioPassword, minioUser, startMinio } from '../s3/minio.ts';

const page = fs.readFileSync(path.join(root, 'docs/team-server.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

type Json = Record<string, unknown>;

/** nginx with the server block of the page, on a port of its own. */
async function startNginx(program: string, ports: readonly number[]): Promise<string> {
  const folder = temporaryFolder();
  const port = await freePort();
  const [block = ''] = blocks('nginx');
  const servers = block
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace('127.0.0.1:5001', `127.0.0.1:${ports[0]}`)
    .replace('127.0.0.1:5002', `127.0.0.1:${ports[1]}`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {} http { access_log off; ${temporary.join(' ')} ${servers} }`;
  fs.writeFileSync(path.join(folder, 'nginx.conf'), config);
  const args = ['-p', folder, '-e', path.join(folder, 'error.log'), '-c', path.join(folder, 'nginx.conf')];
  const child = spawn(program, args, { stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
  });
  const url = `http://127.0.0.1:${port}/mlflow`;
  await expect
    .poll(
      () =>
        fetch(`${url}/health`).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(200);
  return url;
}

describeWithTool(['postgres', 'minio', 'nginx'], 'the page on team servers', (programs) => {
  it('can be followed to the end, and one replica may go', { timeout: 240_000 }, async () => {
    const database = await PostgresServer.start(programs.postgres, { auth: 'scram-sha-256' });
    onTestFinished(() => database.end());
    await database.query('CREATE DATABASE mlops');
    const minio = await startMinio(programs.minio);
    onTestFinished(() => minio.stop());
    minio.makeBucket('models');
    const env = {
      ...{ PGPORT: String(database.port), MLOPS_POSTGRES_PASSWORD: password, PGSSLMODE: 'disable' },
      ...{ AWS_ACCESS_KEY_ID: minioUser, AWS_SECRET_ACCESS_KEY: minioPassword, AWS_REGION: 'us-east-1' },
      MLFLOW_S3_ENDPOINT_URL: minio.endpoint,
      MLFLOW_BACKEND_STORE_URI: 'postgresql://mlops@127.0.0.1/mlops',
      MLFLOW_ARTIFACTS_DESTINATION: 's3://models/team',
    };
    for (const [name, value] of Object.entries(env).filter(
      ([key]) => key.startsWith('MLFLOW_') && !key.includes('S3'),
    )) {
      expect(page).toContain(`${name}=${value}`);
    }
    const lines = (blocks('sh')[0] ?? '').trim().split('\n');
    expect(lines).toHaveLength(2);
    const replicas = lines.map((line) => {
      const args = line.replaceAll("'", '').split(' ').slice(1);
      return startMlops(
        temporaryFolder(),
        args.map((arg) => (/^500\d$/.test(arg) ? '0' : arg)),
        env,
      );
    });
    const urls = await Promise.all(replicas.map(urlOf));
    const url = await startNginx(
      programs.nginx,
      urls.map((one) => Number(new URL(one).port)),
    );

    const call = async (method: string, target: string, body?: object): Promise<Json> => {
      const headers = { 'content-type': 'application/json' };
      const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
      const answer = await fetch(`${url}/api/2.0/mlflow/${target}`, init);
      expect(answer.status, target).toBe(200);
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
      return (await answer.json()) as Json;
    };
    const made = (await call('POST', 'runs/create', { experiment_id: '0', start_time: 1 })) as {
      run: { info: { run_id: string; artifact_uri: string } };
    };
    const { run_id: id, artifact_uri: uri } = made.run.info;
    for (let i = 0; i < 10; i++)
      await call('POST', 'runs/log-metric', { run_id: id, key: 'm', value: i, timestamp: i, step: i });

    const place = `api/2.0/mlflow-artifacts/artifacts/${uri.replace('mlflow-artifacts:/', '')}`;
    const content = Buffer.alloc(20 << 20, 'mlops');
    expect((await fetch(`${url}/${place}/model.bin`, { method: 'PUT', body: content })).status).toBe(200);
    const atRoot = url.replace('/mlflow', '');
    const range = await fetch(`${atRoot}/${place}/model.bin`, { headers: { range: 'bytes=20971515-' } });
    expect([range.status, await range.text()]).toEqual([206, 'mlops']);
    const stored = path.join(minio.folder, 'models/team/0', id, 'artifacts/model.bin');
    expect(fs.existsSync(stored)).toBe(true);

    // Addresses of parts lead through the proxy, too.
    const body = JSON.stringify({ path: 'p.bin', num_parts: 1 });
    const parts = await fetch(`${url}/api/2.0/mlflow-artifacts/mpu/create/0/x`, { method: 'POST', body });
    const { credentials } = (await parts.json()) as { credentials: { url: string }[] };
    expect(credentials[0]?.url.startsWith(`${atRoot}/`)).toBe(true);

    const seen = await Promise.all(urls.map(async (one) => (await fetch(`${one}/mlflow/metrics`)).text()));
    for (const text of seen) {
      expect(text).toContain('http_requests_total{method="POST",status="200"}');
      expect(text).toMatch(/mlops_store_statement_seconds_count\{statement="\w+ \w+"\} \d+/);
      expect(text).toMatch(/^mlops_store_connections [1-9]/m);
    }

    // A replica is told to stop while others ask: nobody notices.
    const [first] = replicas;
    const began = performance.now();
    first?.child.kill('SIGTERM');
    const statuses: number[] = [];
    for (let i = 0; i < 30; i++) statuses.push((await get(`${url}/api/2.0/mlflow/runs/get?run_id=${id}`)).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    await first?.ended;
    expect(performance.now() - began).toBeLessThan(15_000);

    await call('POST', 'runs/delete', { run_id: id });
    const gc = /^\$ mlops (runs gc .*)$/m.exec(page)?.[1]?.split(' ') ?? [];
    const folder = temporaryFolder();
    expect(mlops(folder, gc, { env }).stdout).toContain('removed 0 runs');
    expect(fs.existsSync(stored)).toBe(true);
    const all = mlops(folder, [...gc.slice(0, 2), '--older-than', '0s', '--yes'], { env });
    expect([all.status, all.stdout]).toEqual([0, expect.stringContaining('removed 1 run')]);
    expect(fs.existsSync(stored)).toBe(false);
  });
});

/** On a connection of its own, as new clients come. */
function get(url: string): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const asked = http.get(url, { agent: false }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0 }));
    });
    asked.on('error', reject);
  });
}
