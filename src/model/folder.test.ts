import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel } from '../../test/support/onnx.ts';
import { describeModel, parseMlModel, planModelFolder, writeModelFolder } from './index.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'model-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

describe('planModelFolder', () => {
  it('makes an MLflow folder of an ONNX file with its external data, which describes itself as servable', async () => {
    const raw = new Uint8Array(40);
    const model = buildOnnx({
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 10] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 10] }],
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      weights: [{ name: 'w', type: 'float32', shape: [10], raw, external: 'w.data' }],
    });
    const file = write('add.onnx', model);
    await expect(describeModel(file)).rejects.toThrow("keeps weights in 'w.data'");
    write('w.data', raw);
    const plan = await planModelFolder(file, { runId: 'r1', artifactPath: 'model' });
    const folder = path.join(dir, 'out');
    writeModelFolder(plan, folder);
    expect(fs.readdirSync(folder).sort()).toEqual([
      'MLmodel',
      'conda.yaml',
      'input_example.json',
      'model.onnx',
      'python_env.yaml',
      'requirements.txt',
      'serving_input_example.json',
      'w.data',
    ]);
    const mlModel = await parseMlModel(fs.readFileSync(path.join(folder, 'MLmodel'), 'utf8'), 'MLmodel');
    expect(mlModel.runId).toBe('r1');
    expect(JSON.parse(mlModel.signature?.inputs ?? '')).toEqual([
      { name: 'x', type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 10] } },
    ]);
    const again = await describeModel(folder);
    expect(again).toMatchObject({ kind: 'mlflow-folder', servable: true, flavors: ['onnx', 'python_function'] });
    expect(plan.modelSize).toBe(model.length + 40);
  });

  it('takes an MLflow folder over byte for byte', async () => {
    write('m/MLmodel', 'flavors:\n  sklearn:\n    pickled_model: model.pkl # kept\n');
    write('m/sub/model.pkl', 'x');
    const plan = await planModelFolder(path.join(dir, 'm'));
    writeModelFolder(plan, path.join(dir, 'out'));
    expect(fs.readFileSync(path.join(dir, 'out/MLmodel'), 'utf8')).toContain('# kept');
    expect(plan.files.map((file) => file.path)).toEqual(['MLmodel', 'sub/model.pkl']);
  });

  it('keeps other files and says why they are not servable and what to do', async () => {
    const plan = await planModelFolder(write('net.pt', 'weights'));
    expect(plan.description).toMatchObject({ servable: false, reason: 'it is PyTorch weights, not ONNX' });
    expect(plan.description.wayOut).toContain('torch.onnx.export');
    writeModelFolder(plan, path.join(dir, 'out'));
    expect(await describeModel(path.join(dir, 'out'))).toMatchObject({
      servable: false,
      reason: 'it is PyTorch weights, not ONNX',
    });
  });
});

describe('describeModel', () => {
  it('sends pickled scikit-learn models to skl2onnx', async () => {
    write(
      'MLmodel',
      'flavors:\n  python_function: {loader_module: mlflow.sklearn}\n  sklearn: {pickled_model: model.pkl}\n',
    );
    const description = await describeModel(dir);
    expect(description).toMatchObject({ servable: false, flavors: ['python_function', 'sklearn'] });
    expect(description.wayOut).toContain('skl2onnx');
  });

  it('refuses types that onnxruntime-node lacks, with the way out', async () => {
    const description = await describeModel(write('b.onnx', identityModel('bfloat16')));
    expect(description.servable).toBe(false);
    expect(description.reason).toContain('bfloat16');
  });

  it('finds the only model of a folder, moved to the top when registered', async () => {
    write('export/net.onnx', linearModel(2, 1));
    write('readme.txt', 'hi');
    const plan = await planModelFolder(dir);
    expect(plan.description).toMatchObject({ kind: 'folder', servable: true });
    expect(plan.files.map((file) => file.path)).toContain('model.onnx');
  });

  it('reports what is missing or broken', async () => {
    await expect(describeModel(path.join(dir, 'no'))).rejects.toMatchObject({ code: 'model_not_found' });
    write('MLmodel', 'flavors: [');
    await expect(describeModel(dir)).rejects.toMatchObject({ code: 'model_broken' });
    write('MLmodel', 'hello: 1');
    await expect(describeModel(dir)).rejects.toThrow("it has no 'flavors'");
    write('MLmodel', 'flavors: {onnx: {data: gone.onnx}}');
    await expect(describeModel(dir)).rejects.toThrow("names 'gone.onnx'");
    await expect(describeModel(write('x.onnx', 'garbage'))).rejects.toMatchObject({ code: 'model_broken' });
  });
});
