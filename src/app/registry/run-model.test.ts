import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LoggedModel, Run } from '../../mlflow/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { runNamed } from '../places/find-runs.ts';
import { getArtifact, listArtifacts } from '../runs/run-artifacts.ts';
import { registerModel, type Registered } from './register.ts';
import { isServable } from './servable.ts';

describe('a model of a run', () => {
  let folder = '';
  let store: TrackingStore;
  let run: Run;
  let model: LoggedModel;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-run-model-'));
    store = await openTracking(path.join(folder, 'mlops.db'));
    const experimentId = await store.createExperiment({ name: path.basename(folder) });
    run = await store.createRun({ experimentId, userId: 'u', startTime: Date.now() - 1000, tags: [] });
    // What `mlflow.sklearn.log_model(model, name="model")` of MLflow 3 leaves: nothing among the run's own artifacts.
    model = await store.createLoggedModel({ experimentId, name: 'model', sourceRunId: run.info.id });
    await store
      .artifacts(model.artifactUri)
      .put('MLmodel', Buffer.from('flavors:\n  sklearn: {}\n  python_function: {}\n'));
    await store.artifacts(model.artifactUri).put('model.pkl', Buffer.from('pickle'));
  });
  afterEach(async () => {
    await store.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const register = (source: string): Promise<Registered> =>
    registerModel(store, {
      source,
      name: 'm',
      metrics: new Map(),
      tags: [],
      cwd: folder,
      root: folder,
      user: 'u',
    });

  it('that MLflow 3 logged is registered with its files, by a short id too', async () => {
    const { version, servable } = await register(`runs:/${run.info.id.slice(0, 8)}/model`);
    expect(version.source).toBe(`models:/${model.id}`);
    expect(version.runId).toBe(run.info.id);
    const uri = await store.getDownloadUri('m', version.version);
    expect((await store.artifacts(uri).list('')).map((file) => file.path)).toEqual(['MLmodel', 'model.pkl']);
    expect([servable, await isServable(store, version)]).toEqual([false, false]);
  });

  it('is found among the artifacts first', async () => {
    await store.artifacts(run.info.artifactUri).put('model/MLmodel', Buffer.from('flavors:\n  onnx: {}\n'));
    const { version, servable } = await register(`runs:/${run.info.id}/model`);
    expect(version.source).toBe(`runs:/${run.info.id}/model`);
    expect(servable).toBe(true);
  });

  it('is refused where there is none, or none of its files', async () => {
    await expect(register(`runs:/${run.info.id}/modle`)).rejects.toMatchObject({ code: 'model_not_found' });
    await store.createLoggedModel({
      experimentId: run.info.experimentId,
      name: 'empty',
      sourceRunId: run.info.id,
    });
    await expect(register(`runs:/${run.info.id}/empty`)).rejects.toThrow('has no files');
    await expect(store.getRegisteredModel('m')).rejects.toMatchObject({ code: 'resource_missing' });
  });

  it('is listed and read with the run', async () => {
    await store.artifacts(run.info.artifactUri).put('notes.txt', Buffer.from('n'));
    expect((await listArtifacts(store, run)).map((file) => file.path)).toEqual(['notes.txt', 'model']);
    expect((await listArtifacts(store, run, 'model')).map((file) => file.path)).toEqual([
      'model/MLmodel',
      'model/model.pkl',
    ]);
    expect(Buffer.from(await getArtifact(store, run, 'model/model.pkl')).toString()).toBe('pickle');
    expect(Buffer.from(await getArtifact(store, run, 'notes.txt')).toString()).toBe('n');
    await store.artifacts(run.info.artifactUri).put('model/model.pkl', Buffer.from('own'));
    expect(Buffer.from(await getArtifact(store, run, 'model/model.pkl')).toString()).toBe('own');
    await expect(getArtifact(store, run, 'model/none')).rejects.toMatchObject({ code: 'resource_missing' });
  });

  it('that a command wrote is tied to the run of that command, and a run that only carries it is not the latest', async () => {
    const command = await store.createRun({
      experimentId: run.info.experimentId,
      userId: 'u',
      startTime: Date.now() - 500,
      tags: [{ key: 'mlops.kind', value: 'command' }],
    });
    fs.writeFileSync(path.join(folder, 'model.bin'), 'weights');
    await store.updateRun(command.info.id, { status: 'FINISHED', endTime: Date.now() + 5 });
    const linked = await register('model.bin');
    expect([linked.run?.info.id, linked.madeRun]).toEqual([command.info.id, false]);
    fs.writeFileSync(path.join(folder, 'old.bin'), 'weights of before');
    fs.utimesSync(path.join(folder, 'old.bin'), 1, 1);
    expect((await register('old.bin')).madeRun).toBe(true);
    expect((await runNamed(store, 'latest')).info.id).toBe(command.info.id);
    for (let i = 0; i < 120; i++) {
      const tags = [{ key: 'mlops.kind', value: 'register' }];
      await store.createRun({ experimentId: run.info.experimentId, userId: 'u', startTime: Date.now() + i, tags });
    }
    expect((await runNamed(store, 'latest')).info.id).toBe(command.info.id);
  });
});
