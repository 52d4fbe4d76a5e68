// The server with its artifacts in a bucket, driven by MLflow's client.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

import { startTrackingServer, type TrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { describeWithTool } from '../../tools.ts';
import { minioPassword, minioUser, startMinio, type Minio } from '../s3/minio.ts';

type Json = Record<string, unknown>;

const script = `
import json, os, sys
import numpy as np
import mlflow
from sklearn.linear_model import LogisticRegression
x = np.array([[0.0], [1.0], [2.0], [3.0]])
model = LogisticRegression().fit(x, [0, 0, 1, 1])
os.makedirs("tree/sub", exist_ok=True)
open("tree/a.txt", "w").write("a")
open("tree/sub/b.bin", "wb").write(bytes(range(256)) * 40000)
with mlflow.start_run() as run:
    mlflow.log_artifacts("tree", "tree")
    mlflow.log_text("t", "t.txt")
    info = mlflow.sklearn.log_model(model, name="m", registered_model_name="m")
id = run.info.run_id
client = mlflow.MlflowClient()
down = client.download_artifacts(id, "tree")
print(json.dumps({
    "listed": sorted([f.path, f.is_dir, f.file_size] for f in client.list_artifacts(id)),
    "sub": [[f.path, f.file_size] for f in client.list_artifacts(id, "tree/sub")],
    "same": open(down + "/sub/b.bin", "rb").read() == bytes(range(256)) * 40000,
    "predicts": mlflow.pyfunc.load_model("models:/m/1").predict(x).tolist(),
    "uri": run.info.artifact_uri.split(":")[0],
}), file=sys.stderr)
`;

describeWithTool(['mlflow', 'minio'], 'artifacts in a bucket', ({ mlflow, minio: program }) => {
  let minio: Minio;
  let server: TrackingServer;
  let folder: string;
  const saved = { ...process.env };

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-bucket-'));
    minio = await startMinio(program);
    minio.makeBucket('models');
    process.env['AWS_ACCESS_KEY_ID'] = minioUser;
    process.env['AWS_SECRET_ACCESS_KEY'] = minioPassword;
    process.env['AWS_REGION'] = 'us-east-1';
    server = await startTrackingServer({
      place: { uri: path.join(folder, 'mlops.db'), root: folder, given: false },
      cwd: folder,
      backend: path.join(folder, 'mlops.db'),
      artifacts: 's3://models/team',
      env: { MLFLOW_S3_ENDPOINT_URL: minio.endpoint },
      host: '127.0.0.1',
      port: 0,
      log: silentLogger,
    });
  }, 60_000);

  afterAll(async () => {
    process.env = saved;
    await server?.close(1_000);
    await minio?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('logs, lists, downloads and loads a registered model', async () => {
    const file = path.join(folder, 'script.py');
    fs.writeFileSync(file, script);
    const errors = await new Promise<string>((resolve) => {
      const env = {
        PATH: saved['PATH'] ?? '',
        HOME: folder,
        MLFLOW_TRACKING_URI: server.url,
        GIT_PYTHON_REFRESH: 'quiet',
      };
      const child = spawn(mlflow, [file], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let text = '';
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('close', () => resolve(text));
    });
    const line = errors.split('\n').findLast((text) => text.startsWith('{')) ?? `no result: ${errors.slice(-1_000)}`;
    expect(JSON.parse(line)).toEqual({
      listed: [
        ['t.txt', false, 1],
        ['tree', true, null],
      ],
      sub: [['tree/sub/b.bin', 10_240_000]],
      same: true,
      predicts: [0, 0, 1, 1],
      uri: 'mlflow-artifacts',
    });
    expect(fs.existsSync(path.join(folder, 'artifacts'))).toBe(false);
  }, 120_000);

  it('gives ranges and leaves nothing of a cut upload', async () => {
    const url = `${server.url}/api/2.0/mlflow-artifacts/artifacts/0/x/r.bin`;
    await fetch(url, { method: 'PUT', body: Buffer.from('0123456789') });
    const range = await fetch(url, { headers: { range: 'bytes=2-4' } });
    expect([range.status, await range.text(), range.headers.get('content-range')]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
    ]);
    const cut = http.request(url.replace('r.bin', 'cut.bin'), {
      method: 'PUT',
      headers: { 'content-length': '1000000' },
    });
    cut.on('error', () => undefined);
    cut.write(Buffer.alloc(1_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    cut.destroy();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts/0/x/cut.bin`)).status).toBe(404);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(url)).status).toBe(404);
  });

  it('gives addresses of the bucket to clients, where it is told to', async () => {
    const direct = await startTrackingServer({
      place: { uri: path.join(folder, 'direct.db'), root: folder, given: false },
      cwd: folder,
      backend: path.join(folder, 'direct.db'),
      artifacts: 's3://models/direct',
      directArtifacts: true,
      env: { MLFLOW_S3_ENDPOINT_URL: minio.endpoint },
      host: '127.0.0.1',
      port: 0,
      log: silentLogger,
    });
    onTestFinished(async () => void (await direct.close(1_000)));
    const base = `${direct.url}/api/2.0/mlflow-artifacts`;
    const post = async (verb: string, body: object): Promise<Json> => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${base}/mpu/${verb}/0/x`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await response.json()) as Json;
    };
    const facts = (await (await fetch(`${direct.url}/api/3.0/mlflow/server-info`)).json()) as Json;
    expect([facts['multipart_uploads_enabled'], facts['multipart_downloads_enabled']]).toEqual([true, true]);
    const pieces = [Buffer.alloc(5 << 20, 'a'), Buffer.from('the end ü')];
    const made = await post('create', { path: '/home/ada/big file+ü.bin', num_parts: 2 });
    const credentials = made['credentials'] as { url: string; part_number: number }[];
    expect(credentials.every(({ url }) => url.startsWith(minio.endpoint))).toBe(true);
    const parts = await Promise.all(
      credentials.map(async ({ url, part_number: number }, i) => {
        const answer = await fetch(url, { method: 'PUT', body: pieces[i] ?? null });
        return { part_number: number, etag: answer.headers.get('etag'), url };
      }),
    );
    const whole = { path: 'big file+ü.bin', upload_id: made['upload_id'], parts };
    expect(await post('complete', whole)).toEqual({});
    const file = encodeURIComponent('big file+ü.bin');
    const presigned = (await (await fetch(`${base}/presigned/0/x/${file}`)).json()) as Json;
    expect(presigned['file_size']).toBe(Buffer.concat(pieces).length);
    const url = String(presigned['url']);
    const end = await fetch(url, { headers: { range: `bytes=${5 << 20}-` } });
    expect([url.startsWith(minio.endpoint), await end.text()]).toEqual([true, 'the end ü']);
    // What was changed in an address is not signed any more.
    expect((await fetch(url.replace('direct/0/x', 'team/0/x'))).status).toBe(403);
    expect((await fetch(`${base}/presigned/0/x/none`)).status).toBe(404);
    const aborted = await post('create', { path: 'other.bin', num_parts: 1 });
    expect(await post('abort', { path: 'other.bin', upload_id: aborted['upload_id'] })).toEqual({});
    expect(await post('complete', { ...whole, upload_id: aborted['upload_id'] })).toHaveProperty('error_code');
  });
});
