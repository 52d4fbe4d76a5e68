import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { manifestId } from '../../data/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { outTag } from '../recording/record.ts';
import { md5Of } from './model-origin.ts';
import { promote } from './promote.ts';
import { registerModel } from './register.ts';
import { versionNamed } from './resolve-model.ts';

let dir = '';
let store: TrackingStore;
beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'register-'));
  store = await openTracking(path.join(dir, 'mlops.db'));
  fs.mkdirSync(path.join(dir, 'm'));
  fs.writeFileSync(path.join(dir, 'm', 'line.onnx'), linearModel(4, 1));
});
afterEach(async () => {
  await store.close();
  fs.rmSync(dir, { recursive: true });
});

function register(source: string) {
  return registerModel(store, {
    source,
    name: 'line',
    metrics: new Map(),
    tags: [],
    cwd: dir,
    root: dir,
    user: 'tests',
  });
}

describe('registering a model with a serving.yaml', () => {
  it.each([
    ['an output that is not there', 'outputs:\n  - {name: nope}\n', 'bad_config'],
    ['an unknown key', 'tabel: {columns: [a]}\n', 'bad_config'],
    ['an unknown key of a column', 'table: {columns: [{name: a, maximum: 1}, b, c, d]}\n', 'bad_config'],
    ['too few columns', 'table: {columns: [a, b]}\n', 'bad_config'],
    ['texts for numbers', 'text: {field: t}\n', 'bad_config'],
    ['another version', 'version: 2\n', 'bad_config'],
    ['a wrong choice', 'batching: maybe\n', 'bad_config'],
    ['no YAML', 'table: [\n', 'model_broken'],
  ])('is refused before anything is written: %s', async (_, yaml, code) => {
    for (const [name, source] of [
      ['serving.yaml', 'm'],
      ['serving.yaml', 'm/line.onnx'],
      ['line.serving.yaml', 'm/line.onnx'],
    ] as const) {
      const file = path.join(dir, 'm', name);
      fs.writeFileSync(file, yaml);
      await expect(register(source), `${name} of ${source}`).rejects.toMatchObject({ code });
      fs.rmSync(file);
    }
    expect((await store.searchRegisteredModels({})).items).toEqual([]);
  });

  it('keeps the one that belongs to the file', async () => {
    fs.writeFileSync(path.join(dir, 'm', 'line.serving.yaml'), 'table: {columns: [a, b, c, d]}\n');
    const { version } = await register('m/line.onnx');
    const uri = await store.getDownloadUri('line', version.version);
    const files = await store.artifacts(uri).list('');
    expect(files.map((file) => file.path)).toContain('serving.yaml');
  });
});

describe('the run that a model comes from', () => {
  it.each([
    ['a file', 'm/line.onnx', 'm/line.onnx', (file: string) => md5Of(file)],
    ['a folder', 'm', 'm', async (file: string) => manifestId([{ relpath: 'line.onnx', md5: await md5Of(file) }])],
    ['a folder whose model file is the output', 'm', 'm/line.onnx', (file: string) => md5Of(file)],
  ])('is found by the md5 of %s', async (_, source, out, digest) => {
    const md5 = await digest(path.join(dir, 'm', 'line.onnx'));
    const experimentId = await store.createExperiment({ name: 'e' });
    const run = await store.createRun({
      experimentId,
      userId: 'tests',
      startTime: 1,
      tags: [{ key: outTag(out), value: md5 }],
    });
    const found = await register(source);
    expect(found).toMatchObject({ madeRun: false, run: { info: { id: run.info.id } } });
    fs.writeFileSync(path.join(dir, 'm', 'line.onnx'), linearModel(4, 2));
    expect((await register(source)).madeRun).toBe(true);
  });
});

describe('stages', () => {
  it('say when a newer version stays the one that is served, and that an empty one is empty', async () => {
    for (let i = 0; i < 2; i++) await register('m/line.onnx');
    const to = (selector: string, archiveExisting = false) =>
      promote(
        store,
        { name: 'line', selector },
        { stage: 'Production', archiveExisting, by: 'tests', why: undefined, require: [] },
      );
    expect((await to('2')).newer).toBeUndefined();
    expect((await to('1')).newer?.version).toBe('2');
    expect((await to('1', true)).newer).toBeUndefined();
    const missing = (selector: string) => versionNamed(store, { name: 'line', selector });
    await expect(missing('Staging')).rejects.toThrow("no version of model 'line' is in the stage Staging");
    await expect(missing('@best')).rejects.toThrow("model 'line' has no alias 'best'");
    await expect(missing('9')).rejects.toThrow("model 'line' has no version '9'");
  });
});
