// What `mlops models register` writes is a model to Python: loaded by stage, alias, version and run from our server.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

import { promote } from '../../../src/app/registry/promote.ts';
import { registerModel } from '../../../src/app/registry/register.ts';
import { startTrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { openTracking } from '../../../src/tracking/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { linearModel } from '../../support/onnx.ts';
import { describeWithTool } from '../../tools.ts';
import { serveMlflow } from './mlflow-server.ts';

const script = `
import json, sys, mlflow, numpy as np
x = np.array([[1, 2]], dtype=np.float32)
seen = []
for uri in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(uri)
    seen.append(model.predict(x)["y"].tolist())
model = mlflow.onnx.load_model(sys.argv[1])
info = mlflow.models.get_model_info(sys.argv[1])
run = mlflow.get_run(mlflow.MlflowClient().get_model_version("digits", "1").run_id)
print(json.dumps([seen, [i.name for i in model.graph.input], str(info.signature.inputs.input_names()), run.data.metrics]))
`;

describeWithTool('mlflow', 'registered models', ({ mlflow }) => {
  it('load in Python', async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(
      path.join(folder, 'model.onnx'),
      linearModel(
        2,
        1,
        (i) => i + 1,
        () => 0.5,
      ),
    );
    const file = path.join(folder, '.mlops/mlops.db');
    const server = await startTrackingServer({
      place: { uri: file, root: folder, given: false },
      cwd: folder,
      host: '127.0.0.1',
      port: 0,
      log: silentLogger,
    });
    onTestFinished(async () => void (await server.close(1000)));
    const { version } = await registerModel(server.store, {
      source: 'model.onnx',
      name: 'digits',
      metrics: new Map([['accuracy', 0.95]]),
      tags: [],
      cwd: folder,
      root: folder,
      user: 'ann',
    });
    const gate = {
      stage: 'Production',
      archiveExisting: true,
      by: 'ann',
      why: undefined,
      require: ['accuracy>=0.9'],
    } as const;
    await promote(server.store, { name: 'digits', selector: '1' }, gate);
    await server.store.setAlias('digits', 'best', '1');
    const uris = ['models:/digits/Production', 'models:/digits@best', 'models:/digits/1', `models:/${version.modelId}`];
    const { stdout } = await promisify(execFile)(mlflow, ['-c', script, ...uris], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, MLFLOW_TRACKING_URI: server.url, GIT_PYTHON_REFRESH: 'quiet' },
    });
    expect(JSON.parse(stdout)).toEqual([Array.from(uris, () => [[5.5]]), ['x'], `['x']`, { accuracy: 0.95 }]);
  }, 240_000);
});

describeWithTool('mlflow222', "MLflow's server of before logged models", ({ mlflow222 }) => {
  it('takes models that we register, whose files are those of their run', async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(
      path.join(folder, 'model.onnx'),
      linearModel(
        2,
        1,
        (i) => i + 1,
        () => 0.5,
      ),
    );
    const url = await serveMlflow(mlflow222, folder);
    const store = await openTracking(url, { env: {} });
    const options = { source: 'model.onnx', name: 'digits', tags: [], cwd: folder, root: folder, user: 'ann' };
    const { version } = await registerModel(store, { ...options, metrics: new Map([['accuracy', 0.95]]) });
    expect(version.source).toMatch(/^runs:\/[0-9a-f]{32}\/registered\/digits-/);
    await store.setAlias('digits', 'best', '1', { by: 'ann', why: 'the first' });
    expect(await store.promotions('digits')).toMatchObject([
      { kind: 'register', to: 'None' },
      { kind: 'alias', to: 'best', by: 'ann', why: 'the first' },
    ]);
    const files = await store.artifacts(await store.getDownloadUri('digits', '1')).list('');
    expect(files.map((file) => file.path)).toContain('model.onnx');
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      MLFLOW_TRACKING_URI: url,
      SETUPTOOLS_USE_DISTUTILS: 'stdlib',
    };
    const code = 'import sys, mlflow; print(mlflow.models.get_model_info("models:/digits@best").flavors.keys())';
    const { stdout } = await promisify(execFile)(mlflow222, ['-c', code], { cwd: folder, env });
    expect(stdout).toContain('onnx');
  }, 300_000);
});
