import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { planModelFolder } from '../../model/index.ts';
import { modelSourceContract } from '../../serve/models/contract.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { RegistrySource, RunSource } from './registry-source.ts';
import { modelOfRun } from './run-model.ts';

let dir = '';
let store: TrackingStore;
beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'registry-'));
  store = await openTracking(path.join(dir, 'mlops.db'));
});
afterEach(async () => {
  await store.close();
  fs.rmSync(dir, { recursive: true });
});

/** Registers a model as version 1, 2, ... of `line`, from a run's artifacts. */
async function register(bytes: Uint8Array, md5?: string): Promise<string> {
  const file = path.join(dir, 'model.onnx');
  fs.writeFileSync(file, bytes);
  const run = await store.createRun({ experimentId: '0' });
  const uri = `${run.info.artifactUri}/model`;
  for (const entry of (await planModelFolder(file)).files) {
    await store
      .artifacts(uri)
      .put(entry.path, 'text' in entry ? Buffer.from(entry.text) : fs.readFileSync(entry.source));
  }
  const tags = md5 === undefined ? [] : [{ key: 'mlops.md5', value: md5 }];
  await store.createModelVersion({ name: 'line', source: uri, runId: run.info.id, tags });
  return run.info.id;
}

describe('the registry, by the contract of sources', () => {
  modelSourceContract(async () => {
    await store.createRegisteredModel('line');
    await register(linearModel(2, 1));
    return {
      source: new RegistrySource(store),
      name: 'line',
      replace: async () => void (await register(linearModel(3, 1))),
    };
  });
});

describe('a model of a run, by the contract of sources', () => {
  modelSourceContract(async () => {
    await store.createRegisteredModel('line');
    const model = await modelOfRun(store, await register(linearModel(2, 1)), 'model');
    return { source: new RunSource(store, model, 'model'), name: 'model' };
  });
});

describe('registered models as a source', () => {
  beforeEach(() => store.createRegisteredModel('line'));

  it('resolves versions, stages, aliases and the latest, and opens the files', async () => {
    const runId = await register(linearModel(2, 1));
    await register(linearModel(3, 1));
    await store.transitionStage('line', '1', { stage: 'Production' });
    await store.setAlias('line', 'champion', '1');
    const source = new RegistrySource(store);
    const versions = ['1', 'Production', '@champion', 'latest', undefined];
    const found = await Promise.all(versions.map((selector) => source.resolve('line', selector)));
    expect(found.map((ref) => ref.version)).toEqual(['1', '1', '1', '2', '2']);
    expect(found[0]).toMatchObject({ runId, stage: 'Production', uri: 'models:/line/1' });
    const open = await source.open(await source.resolve('line', 'Production'));
    expect(fs.existsSync(open.file)).toBe(true);
    expect(open.folder).toBe(path.dirname(open.file));
    await open.release();
    await expect(source.resolve('line', 'Staging')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(source.resolve('nope')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('refuses a file that is not the one registered', async () => {
    await register(linearModel(2, 1), '0'.repeat(32));
    const source = new RegistrySource(store);
    await expect(source.open(await source.resolve('line'))).rejects.toThrow('registered was 0000');
  });

  it('opens a model of another flavor where Python may run it', async () => {
    const run = await store.createRun({ experimentId: '0' });
    const uri = `${run.info.artifactUri}/model`;
    const text =
      'flavors:\n  python_function: {loader_module: mlflow.sklearn}\n  sklearn: {pickled_model: model.pkl}\n';
    await store.artifacts(uri).put('MLmodel', Buffer.from(text));
    await store.createModelVersion({ name: 'line', source: uri, runId: run.info.id });
    await register(linearModel(2, 1));
    const open = async (version: string, runtime: 'onnx' | 'python' | 'auto') => {
      const source = new RegistrySource(store, undefined, { runtime });
      return path.basename((await source.open(await source.resolve('line', version))).file);
    };
    expect(await open('1', 'auto')).toBe('MLmodel');
    expect(await open('1', 'python')).toBe('MLmodel');
    expect(await open('2', 'auto')).toBe('model.onnx');
    expect(await open('2', 'python')).toBe('MLmodel');
    await expect(open('1', 'onnx')).rejects.toMatchObject({
      code: 'model_not_servable',
      hint: expect.stringMatching(/skl2onnx.+; or serve it by Python: --runtime python$/) as string,
    });
  });

  it('opens a model among the artifacts of a run', async () => {
    const runId = await register(linearModel(2, 1));
    const source = new RunSource(store, await modelOfRun(store, runId.slice(0, 8), 'model'), 'model');
    const [ref] = await source.list();
    expect(ref).toMatchObject({ name: 'model', version: '1' });
    const open = await source.open(await source.resolve('model'));
    expect(open.file.endsWith('model.onnx')).toBe(true);
  });
});
