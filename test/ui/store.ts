/** Stores to look at: some runs as a team has them, and very many of very many columns. */
import type { TrackingStore } from '../../src/tracking/index.ts';

const models = ['tree', 'mlp', 'linear'];
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGP4z8DwHwyBNBAw/AcAR8wI+Eo1kFcAAAAASUVORK5CYII=',
  'base64',
);

export interface Filled {
  readonly experiment: string;
  readonly runs: readonly string[];
}

/** Three dozen runs with curves, the first with artifacts, datasets, notes, a nested run and a registered model. */
export async function fill(store: TrackingStore, count = 36): Promise<Filled> {
  const experiment = await store.createExperiment({
    name: 'vision/digits',
    tags: [
      { key: 'mlflow.note.content', value: 'Digits by *three* kinds of models.' },
      { key: 'team', value: 'vision' },
    ],
  });
  const start = Date.now() - 3_600_000 * count;
  const runs: string[] = [];
  for (let i = 0; i < count; i++) {
    const { info } = await store.createRun({
      experimentId: experiment,
      name: `digits-${String(i).padStart(2, '0')}`,
      startTime: start + i * 3_600_000,
      tags: [
        { key: 'mlflow.user', value: i % 2 === 0 ? 'ada' : 'grace' },
        { key: 'mlflow.source.name', value: 'train.py' },
        { key: 'mlflow.source.git.commit', value: 'f68f09a7be3a4d1f0cf9bb7b1f2b1c0a9d8e7f60' },
      ],
    });
    runs.push(info.id);
    const rate = [0.3, 0.1, 0.03, 0.01][i % 4] ?? 0.1;
    await store.logBatch(info.id, {
      params: [
        { key: 'model', value: models[i % 3] ?? '' },
        { key: 'lr', value: String(rate) },
        { key: 'batch_size', value: String(32 * (1 + (i % 3))) },
        { key: 'optimizer', value: 'adam' },
      ],
      metrics: curves(i, rate, start + i * 3_600_000),
    });
    if (i > 0)
      await store.updateRun(info.id, {
        status: i % 11 === 5 ? 'FAILED' : 'FINISHED',
        endTime: start + i * 3_600_000 + 754_000,
      });
  }
  const [first = '', second = ''] = runs;
  await store.setTag(second, { key: 'mlflow.parentRunId', value: first });
  await store.setTag(first, {
    key: 'mlflow.note.content',
    value: '# Baseline\n\nThe **first** one. See `train.py`.\n\n- a\n- b\n',
  });
  await store.logInputs(first, [
    {
      tags: [{ key: 'mlflow.data.context', value: 'train' }],
      dataset: {
        name: 'digits',
        digest: 'abc12345',
        sourceType: 'local',
        source: '{"uri":"data/digits.csv"}',
        profile: '{"num_rows":1797}',
      },
    },
  ]);
  await artifacts(store, first);
  await registry(store, runs);
  return { experiment, runs };
}

function curves(i: number, rate: number, start: number) {
  return Array.from({ length: 60 }, (_, step) => {
    const noise = Math.sin(i * 7.3 + step * 1.7) * 0.03;
    const loss = 2.3 * Math.exp(-step * (0.03 + rate / 5)) + 0.08 + noise * (1 - step / 90);
    const at = { timestamp: start + step * 12_000, step };
    return [
      { key: 'train/loss', value: loss, ...at },
      { key: 'val/loss', value: loss * 1.12 + Math.abs(noise), ...at },
      { key: 'val/accuracy', value: Math.min(0.995, 1 - loss / 2.6), ...at },
      { key: 'system/cpu_utilization_percentage', value: 60 + 20 * Math.sin(step / 5), ...at },
    ];
  }).flat();
}

async function artifacts(store: TrackingStore, run: string): Promise<void> {
  const { info } = await store.getRun(run);
  const files = store.artifacts(info.artifactUri);
  const put = (name: string, text: string | Buffer): Promise<unknown> => files.put(name, Buffer.from(text));
  await put('plots/confusion.png', png);
  await put(
    'plots/figure.svg',
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><circle cx="20" cy="10" r="8" fill="teal"/></svg>',
  );
  await put(
    'report.html',
    '<h1>Report</h1><p style="color:teal">All is well.</p><script>parent.document.title="ran"</script>',
  );
  await put('table.csv', 'name,score\n"one, two",0.5\nthree,0.75\n');
  await put('facts.json', '{"accuracy":0.93,"classes":["0","1"]}');
  await put('README.md', '# Read me\n\nSome *text*, a [link](https://example.com/) and `code`.\n');
  await put('log.txt', 'line 1\nline 2\n');
  await put('model/MLmodel', 'flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n');
  await put('weights.bin', Buffer.alloc(2048));
}

async function registry(store: TrackingStore, runs: readonly string[]): Promise<void> {
  await store.createRegisteredModel('digits', { description: 'Reads *digits*.' });
  for (const [i, run] of runs.slice(0, 5).entries()) {
    const { info } = await store.getRun(run);
    await store.createModelVersion({
      name: 'digits',
      source: `${info.artifactUri}/model`,
      runId: run,
      description: `try ${i}`,
    });
  }
  await store.transitionStage('digits', '2', { stage: 'Production', by: 'ada', why: 'val/accuracy 0.97' });
  await store.transitionStage('digits', '4', { stage: 'Staging', by: 'grace' });
  await store.setAlias('digits', 'champion', '2', { by: 'ada' });
}

/** Very many runs, and a few newest ones with very many metrics. @returns the experiment. */
export async function fillHuge(store: TrackingStore, runs: number, columns: number): Promise<string> {
  const experiment = await store.createExperiment({ name: 'huge' });
  for (let i = 0; i < runs; i++) {
    const { info } = await store.createRun({
      experimentId: experiment,
      name: `r${i}`,
      startTime: 1_700_000_000_000 + i,
    });
    const count = i >= runs - 3 ? columns : 2;
    const metrics = Array.from({ length: count }, (_, k) => ({
      ...{ key: `m${String(k).padStart(5, '0')}`, value: i / (k + 1), timestamp: 1, step: 0 },
    }));
    for (let from = 0; from < count; from += 1000) {
      await store.logBatch(info.id, { metrics: metrics.slice(from, from + 1000) });
    }
  }
  return experiment;
}
