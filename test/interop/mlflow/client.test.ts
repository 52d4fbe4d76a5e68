// Real MLflow clients of three releases against our server, each in one process that goes through all workflows.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { beforeAll, afterAll, expect, it } from 'vitest';

import { startTrackingServer, type TrackingServer } from '../../../src/app/endpoint/server.ts';
import { silentLogger } from '../../../src/base/index.ts';
import { PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../tools.ts';

type Results = Readonly<Record<string, unknown>>;

const script = path.join(import.meta.dirname, 'mlflow_workflows.py');

/** Starts a server on a fresh folder, runs the workflows against it, and gives what the client saw. */
async function drive(python: string, backend?: string): Promise<Results> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-mlflow-'));
  let server: TrackingServer | undefined;
  try {
    server = await startTrackingServer({
      place: { uri: path.join(folder, 'mlops.db'), root: folder, given: false },
      cwd: folder,
      backend: backend ?? path.join(folder, 'mlops.db'),
      host: '127.0.0.1',
      port: 0,
      log: silentLogger,
    });
    const report = path.join(folder, 'report.json');
    await run(python, [script, report], folder, server.url);
    return JSON.parse(fs.readFileSync(report, 'utf8')) as Results;
  } finally {
    await server?.close(1_000);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[], cwd: string, url: string): Promise<void> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: cwd,
    LANG: 'C.UTF-8',
    GIT_PYTHON_REFRESH: 'quiet',
    MLFLOW_TRACKING_URI: url,
    // A retry would hide a 5xx, and cost a minute.
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    SETUPTOOLS_USE_DISTUTILS: 'stdlib',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4_000)));
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : reject(new Error(`exit ${status}: ${errors}`))));
  });
}

const common: Results = {
  experiments: {
    name: 'made',
    tags: { team: 'a' },
    location: 'mlflow-artifacts:/ID',
    deleted: 'deleted',
    taken: 'RESOURCE_ALREADY_EXISTS',
    found: ['renamed'],
    missing: 'RESOURCE_DOES_NOT_EXIST',
    by_name: 'active',
    nothing: true,
  },
  runs: {
    name: 'first',
    status: 'FINISHED',
    ended: true,
    params: { alpha: '0.5', depth: '3', note: '' },
    acc: 0.9,
    loss: 0.25,
    inf: Number.MAX_VALUE,
    tags: { kind: 'demo', t1: 'a', ünï: 'x' },
    user: true,
    history: [
      [1, '0.5'],
      [2, 'nan'],
      [3, '0.25'],
    ],
    changed: 'INVALID_PARAMETER_VALUE',
    uri: 'mlflow-artifacts:/EXP/RUN/artifacts',
  },
  nested_deleted_restored: {
    parent: true,
    name: 'renamed',
    tag: 'renamed',
    status: 'FAILED',
    deleted: 'deleted',
    late: 'INVALID_PARAMETER_VALUE',
    restored: 'KILLED',
  },
  search: {
    found: {
      metric: ['5', '4', '3'],
      param: ['5', '3', '1'],
      both: ['3', '1'],
      ilike: ['5', '3', '1'],
      tag: ['5', '4', '3'],
      name: ['2'],
      status: ['5', '4', '3', '2', '1', '0'],
      null: expect.any(Array),
    },
    pages: [4, 2, ''],
    frame: [3, true],
    bad: ['INVALID_PARAMETER_VALUE', expect.stringContaining("Invalid entity type 'foo'. Valid values are")],
  },
  artifacts: {
    listed: [
      ['a.txt', false, 5],
      ['tree', true, null],
    ],
    same: true,
    text: 'text',
    dict: { a: 1 },
    table: [1, 2, 3],
    images: expect.any(Number),
    gone: [],
    missing: true,
  },
  datasets: { inputs: [['d', 'http', { 'mlflow.data.context': 'training' }]], found: [true] },
  sklearn_registry: {
    loaded: 6,
    versions: [
      ['1', 'Production', true],
      ['2', 'Staging', true],
    ],
    stages: [
      ['Production', '1'],
      ['Staging', '2'],
    ],
    alias: '2',
    aliases: { champion: '2' },
    tags: { k: 'v' },
    description: ['a model', 'the first'],
    found: ['clf'],
    bad_stage: 'INVALID_PARAMETER_VALUE',
    missing: 'RESOURCE_DOES_NOT_EXIST',
    uri: 'mlflow-artifacts',
    renamed: ['1'],
    deleted: 'RESOURCE_DOES_NOT_EXIST',
  },
  autolog: {
    params: '2',
    metrics: true,
    files: expect.arrayContaining(['estimator.html', 'training_confusion_matrix.png']),
    children: null,
  },
  pyfunc_model: [2, 3],
  evaluation: 1,
};

const newest: Results = {
  ...common,
  autolog: { ...(common['autolog'] as object), children: 2 },
  onnx_model: [[0, 0, 1, 1], true],
  logged_models: {
    status: 'READY',
    params: { p: '1' },
    metrics: [
      ['late', 0.5],
      ['score', 0.5],
    ],
    found: [true],
    first: true,
    outputs: true,
    gone: 'RESOURCE_DOES_NOT_EXIST',
  },
  prompts: { text: 'Hello Ada', latest: 'Hi {{name}}', found: ['greet'], models: [] },
  traces: {
    spans: ['outer', 'inner'],
    state: 'OK',
    found: [true],
    outputs: [2, 2],
    assessments: ['good'],
    tag: null,
    deleted: 1,
  },
  judging: {
    expected: [2],
    found: ['golden'],
    scorer: 'be nice',
    labels: ['Feedback', 'good'],
    issue: 'pending',
    gateway: 'NOT_IMPLEMENTED',
  },
};

const releases = [
  ['mlflow', '3.17', newest],
  ['mlflow222', '2.22', { ...common, old_traces: [1, 500, 'TraceStatus.OK', { m: 'n', m2: 'n2' }, 'u', 1] }],
  ['mlflow29', '2.9', common],
] as const;

function suite(release: string, expected: Results, start: () => Promise<Results>): void {
  let results: Results = {};
  beforeAll(async () => {
    results = await start();
  }, 600_000);
  afterAll(() => {
    results = {};
  });

  it('is of that release', () => {
    expect(String(results['version']).startsWith(release)).toBe(true);
  });
  for (const [workflow, seen] of Object.entries(expected)) {
    it(`does its ${workflow.replaceAll('_', ' ')}`, () => {
      expect(results[workflow]).toEqual(seen);
    });
  }
}

for (const [tool, release, expected] of releases) {
  describeWithTool(tool, `the MLflow client ${release}`, (programs) => {
    suite(release, expected, () => drive((programs as Record<string, string>)[tool] ?? ''));
  });
  describeWithTool([tool, 'postgres'], `the MLflow client ${release}, with the store in PostgreSQL`, (programs) => {
    suite(release, expected, async () => {
      const server = await PostgresServer.start(programs.postgres);
      try {
        return await drive((programs as Record<string, string>)[tool] ?? '', await server.database());
      } finally {
        await server.end();
      }
    });
  });
}
