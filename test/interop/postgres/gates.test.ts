import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { freshProject, mlops, startMlops, temporaryFolder } from '../../cli.ts';
import { linearModel } from '../../support/onnx.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { post, start } from '../../support/tracking-server.ts';
import { describeWithTool } from '../../tools.ts';

describeWithTool('postgres', 'gates in PostgreSQL', ({ postgres }) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start(postgres);
  });
  afterAll(() => server.end());

  it('are asked for by REST, and recorded by a check', { timeout: 120_000 }, async () => {
    const uri = await server.database();
    const running = await start(temporaryFolder(), startMlops, uri, {});
    const folder = freshProject();
    const env = { MLFLOW_TRACKING_URI: running.url };
    fs.writeFileSync(path.join(folder, 'model.onnx'), linearModel(2, 2));
    fs.writeFileSync(
      path.join(folder, 'gates.yaml'),
      'version: 1\nstages: {Production: {metrics: [{metric: accuracy, min: 0.9}], latency_ms: {p95: 5000}}}\n',
    );
    const register = (accuracy: number): void => {
      const words = ['models', 'register', 'model.onnx', '--name', 'digits', '--metric', `accuracy=${accuracy}`];
      expect(mlops(folder, words, { env }).status).toBe(0);
    };
    register(0.95);
    register(0.5);
    await post(running, 'registered-models/set-tag', { name: 'digits', key: 'mlops.gates', value: 'required' });
    const move = async (version: string): Promise<number> =>
      (await post(running, 'model-versions/transition-stage', { name: 'digits', version, stage: 'Production' })).status;
    expect(await move('1')).toBe(400);
    expect(mlops(folder, ['check', 'model', 'models:/digits/1'], { env }).status).toBe(0);
    expect(mlops(folder, ['check', 'model', 'models:/digits/2'], { env }).status).toBe(1);
    expect([await move('2'), await move('1')]).toEqual([400, 200]);
    const promote = ['models', 'promote', 'digits', '2', '--stage', 'Production'];
    expect(mlops(folder, promote, { env }).status).toBe(1);
    expect(mlops(folder, [...promote, '--override', 'the first one broke'], { env }).status).toBe(0);
    expect(mlops(folder, ['models', 'history', 'digits'], { env }).stdout).toContain('override: the first one broke');
  });
});
