import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { PyFloat, type PyValue } from '../../base/index.ts';
import { recorderContract } from '../../repo/pipeline/recorder-contract.ts';
import { noRecorder, type StageEnd } from '../../repo/pipeline/recorder.ts';
import { openTracking } from '../../tracking/index.ts';
import type { Snapshot } from './record-snapshot.ts';
import { readRecordedRun } from './provenance.ts';
import { outTag, trackingRecorder, type RecordOptions } from './record.ts';

let root = '';
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-record-'));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';

function snapshot(): Snapshot {
  return {
    root,
    params: new Map([
      [
        'params.yaml',
        new Map<PyValue, PyValue>([
          [
            'train',
            new Map<PyValue, PyValue>([
              ['lr', new PyFloat(1e-5)],
              ['nesterov', true],
            ]),
          ],
        ]),
      ],
    ]),
    metricFiles: ['metrics.json', 'broken.json'],
    plotFiles: ['plots/loss.csv', 'plots/confusion.csv'],
    paramFiles: ['params.yaml'],
    lineage: [
      { stage: 'train', role: 'dep', path: 'data.csv', md5, size: 3, external: true },
      { stage: 'train', role: 'plot', path: 'plots/loss.csv', md5, size: 3, external: false },
      { stage: 'train', role: 'out', path: 'model.onnx', md5, size: 3, external: false },
    ],
    stages: [
      {
        address: 'train',
        cmd: 'python train.py',
        params: new Map([['params.yaml', new Map([['lr', new PyFloat(1e-5)]])]]),
      },
    ],
  };
}

function options(extra: Partial<RecordOptions> = {}): RecordOptions {
  return {
    open: () => openTracking(path.join(root, '.mlops', 'store.db')),
    experiment: 'churn',
    git: async () => ({ commit: 'c'.repeat(40), branch: 'main', dirty: true }),
    changes: async () => ({ patch: Buffer.from('--- a\n+++ b\n'), untracked: ['new.py'] }),
    env: { PATH: '', PYTHONHASHSEED: '7' },
    user: 'ada',
    snapshot,
    maxFileSize: 1000,
    join: false,
    onWarning: (message) => {
      throw new Error(message);
    },
    ...extra,
  };
}

const stageEnd: StageEnd = {
  status: 'ran',
  endedAt: 3500,
  params: new Map([['params.yaml', new Map<PyValue, PyValue>([['train.lr', new PyFloat(1e-5)]])]]),
  lineage: [],
  reports: [],
  logTail: 'epoch 1\n',
  exitCode: 0,
};

function writeReports(): void {
  fs.mkdirSync(path.join(root, 'plots'), { recursive: true });
  fs.writeFileSync(path.join(root, 'metrics.json'), '{"accuracy": 0.97, "f1": {"macro": 0.9}, "val": 0.1}');
  fs.writeFileSync(path.join(root, 'broken.json'), '{');
  fs.writeFileSync(path.join(root, 'plots/loss.csv'), 'epoch,loss,val\n1,0.5,9\n2,0.25,8\n');
  fs.writeFileSync(path.join(root, 'plots/confusion.csv'), 'actual,predicted\n1,1\n');
  fs.writeFileSync(path.join(root, 'params.yaml'), 'train: {lr: 1e-5}\n');
}

async function recordOnce(extra: Partial<RecordOptions> = {}): Promise<string> {
  const recorder = trackingRecorder(options(extra));
  await recorder.begin({ command: 'mlops repro', stages: ['train'], startedAt: 1000 });
  const stage = await recorder.stage({
    stage: 'train',
    command: 'node train.js',
    cwd: root,
    startedAt: 1500,
    outs: [],
    dvclive: undefined,
  });
  stage.metric('live', 1, 1, 2000);
  await stage.end(stageEnd);
  return (await recorder.end('finished', []))?.runId ?? '';
}

describe('the recorder of nothing', () => {
  recorderContract(() => noRecorder);
});

describe('the recorder of a tracking store', () => {
  recorderContract(() => {
    writeReports();
    return trackingRecorder(options());
  });
});

describe('the recorder of a store that cannot be opened', () => {
  recorderContract(() =>
    trackingRecorder(
      options({
        open: () => Promise.reject(new Error('no store')),
        onWarning: () => undefined,
      }),
    ),
  );
});

describe('a recorded repro', () => {
  it('is a run with the params, metrics, history and lineage of the pipeline', async () => {
    writeReports();
    const runId = await recordOnce();
    const store = await openTracking(path.join(root, '.mlops', 'store.db'));
    const run = await store.getRun(runId);
    expect(run.info.status).toBe('FINISHED');
    expect(run.params).toEqual(
      expect.arrayContaining([
        { key: 'train.lr', value: '1e-05' },
        { key: 'train.nesterov', value: 'True' },
      ]),
    );
    const metrics = Object.fromEntries(run.metrics.map((metric) => [metric.key, metric.value]));
    expect(metrics).toMatchObject({
      accuracy: 0.97,
      'f1.macro': 0.9,
      loss: 0.25,
      val: 0.1,
      'train.val': 8,
      'stage_seconds.train': 2,
    });
    expect(Object.keys(metrics)).not.toContain('predicted');
    const history = await store.metricHistory(runId, 'loss');
    expect(history.items.map((point) => [point.step, point.value])).toEqual([
      [1, 0.5],
      [2, 0.25],
    ]);
    const tags = Object.fromEntries(run.tags.map((tag) => [tag.key, tag.value]));
    expect(tags).toMatchObject({
      'mlflow.source.git.commit': 'c'.repeat(40),
      'mlops.git.dirty': 'true',
      'mlflow.user': 'ada',
      [outTag('model.onnx')]: md5,
    });
    expect(run.datasets.map((input) => [input.dataset.name, input.dataset.digest])).toEqual([['data.csv', md5]]);
    const artifacts = store.artifacts(run.info.artifactUri);
    const names = (await artifacts.list()).map((file) => file.path);
    expect(names).toEqual(expect.arrayContaining(['lineage.json', 'logs', 'metrics', 'params', 'plots']));
    const recorded = await readRecordedRun(artifacts);
    expect(recorded?.provenance).toMatchObject({
      git: { commit: 'c'.repeat(40), dirty: true, patch: 'code.patch', untracked: ['new.py'] },
      environment: { node: process.versions.node, variables: { PYTHONHASHSEED: '7' } },
      stages: { train: { cmd: 'python train.py', params: { 'params.yaml': { lr: 1e-5 } } } },
    });
    expect(Buffer.from(await artifacts.get('code.patch')).toString()).toBe('--- a\n+++ b\n');
    expect(Buffer.from(await artifacts.get('logs/train.txt')).toString()).toBe('epoch 1\n');
    await store.close();
  });

  it('has a child for the stage, in the same experiment', async () => {
    writeReports();
    const runId = await recordOnce();
    const store = await openTracking(path.join(root, '.mlops', 'store.db'));
    const { experimentId } = (await store.getRun(runId)).info;
    expect((await store.getExperiment(experimentId)).name).toBe('churn');
    const children = await store.searchRuns({
      experimentIds: [experimentId],
      filter: `tags.mlflow.parentRunId = '${runId}'`,
    });
    expect(children.items.map((run) => [run.info.name, run.info.status])).toEqual([['train', 'FINISHED']]);
    expect(children.items[0]?.metrics.map((metric) => metric.key).toSorted()).toEqual(['live', 'seconds']);
    await store.close();
  });

  it('is one run alone with join', async () => {
    writeReports();
    const runId = await recordOnce({ join: true });
    const store = await openTracking(path.join(root, '.mlops', 'store.db'));
    const { experimentId } = (await store.getRun(runId)).info;
    expect((await store.searchRuns({ experimentIds: [experimentId] })).items).toHaveLength(1);
    await store.close();
  });

  it('leaves out files above the limit', async () => {
    writeReports();
    fs.writeFileSync(path.join(root, 'metrics.json'), JSON.stringify({ accuracy: 1, note: 'x'.repeat(2000) }));
    const runId = await recordOnce();
    const store = await openTracking(path.join(root, '.mlops', 'store.db'));
    const run = await store.getRun(runId);
    const copied = await store.artifacts(run.info.artifactUri).list('metrics');
    expect(copied.map((file) => path.posix.basename(file.path))).toEqual(['broken.json']);
    await store.close();
  });

  it('opens no store when nothing runs', async () => {
    const recorder = trackingRecorder(options());
    expect(await recorder.end('finished', [])).toBeUndefined();
    expect(fs.existsSync(path.join(root, '.mlops'))).toBe(false);
  });

  it('never fails a stage: a broken store is reported once', async () => {
    const warnings: string[] = [];
    const recorder = trackingRecorder(
      options({
        open: () => Promise.reject(new Error('disk on fire')),
        onWarning: (message) => warnings.push(message),
      }),
    );
    await recorder.begin({ command: 'mlops repro', stages: ['train'], startedAt: 1 });
    const stage = await recorder.stage({
      stage: 'train',
      command: 'x',
      cwd: root,
      startedAt: 1,
      outs: [],
      dvclive: undefined,
    });
    await stage.end(stageEnd);
    await recorder.end('finished', []);
    expect(warnings).toEqual(['this run is not (fully) recorded: disk on fire']);
  });
});
