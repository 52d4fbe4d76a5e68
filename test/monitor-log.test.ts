import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { mlops, startMlops, temporaryFolder, urlOf } from './cli.ts';

interface Stats {
  readonly model: string;
  readonly predictions: number;
  readonly [key: string]: unknown;
}

function place() {
  const folder = temporaryFolder();
  const write = (name: string, lines: readonly unknown[]): void => {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
    fs.writeFileSync(path.join(folder, name), `${text}\n`);
  };
  const run = (...words: string[]) => mlops(folder, ['monitor', ...words, '--predictions', 'log']);
  const stats = (...words: string[]) => JSON.parse(run('stats', '--json', ...words).stdout) as Stats[];
  return { folder, write, run, stats };
}

describe('the log of predictions made elsewhere', () => {
  it('takes JSON lines and CSV, counts an id once, and summarises by model, version and bucket', () => {
    const { write, run, stats } = place();
    write('a.jsonl', [
      {
        id: 'a',
        at: '2026-03-29T00:30:00Z',
        model: 'm',
        version: 1,
        prediction: 'cat',
        latency_ms: 1,
        inputs: { x: 1 },
      },
      {
        prediction_id: 'b',
        at: '2026-03-29T22:30:00',
        model: 'm',
        version: '2',
        prediction: 'dog',
        latency_ms: 3,
        inputs: { x: null },
      },
      { id: 'a', at: 0, model: 'm', prediction: 'cow' },
      { id: 'c', at: Date.UTC(2026, 2, 30), model: 'm', error: 'boom', inputs: { x: 4 } },
    ]);
    write('b.csv', [
      'id,at,model,version,prediction,latency_ms,error,inputs.age,inputs.city,scores.no,scores.yes',
      '1,2026-03-29,tabular,7,0.25,2.5,,40,Oslo,,',
      '2,2026-03-29T01:00:00+01:00,tabular,7,0.75,,,,,0.1,0.9',
    ]);
    expect(run('log', 'a.jsonl')).toMatchObject({ status: 0, stderr: 'logged 4 predictions\n' });
    expect(run('log', 'b.csv').status).toBe(0);
    const [m, tabular] = stats('--by', 'day');
    expect(m).toMatchObject({
      model: 'm',
      predictions: 3,
      errors: 1,
      latency_ms: { p50: 2, p95: 2.9, p99: 2.98 },
      classes: { cat: 1, dog: 1 },
      inputs: { x: { count: 2, missing_share: 1 / 3, mean: 2.5 } },
      versions: { 1: { predictions: 1 }, 2: { predictions: 1 } },
      buckets: {
        '2026-03-29T00:00:00.000Z': { predictions: 2 },
        '2026-03-30T00:00:00.000Z': { predictions: 1 },
      },
    });
    expect(tabular).toMatchObject({
      prediction: {
        count: 2,
        mean: 0.5,
        std: 0.3535533905932738,
        min: 0.25,
        q25: 0.375,
        median: 0.5,
        q75: 0.625,
        max: 0.75,
      },
      inputs: { age: { missing_share: 0.5 }, city: { values: { Oslo: 1 } } },
    });
    const berlin = stats('--by', 'day', '--tz', 'Europe/Berlin', '--model', 'm')[0]?.['buckets'];
    expect(Object.keys(berlin ?? {})).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z']);
    expect(Object.keys(stats('--by', 'week', '--model', 'm')[0]?.['buckets'] ?? {})).toEqual([
      '2026-03-23T00:00:00.000Z',
      '2026-03-30T00:00:00.000Z',
    ]);
    const span = ['--since', '2026-03-29T00:30:00Z', '--until', '2026-03-29T22:30:00Z', '--model', 'm'];
    expect(stats(...span)[0]?.predictions).toBe(1);
    expect(run('status').stdout).toContain('tabular');
    expect(run('stats', '--tz', 'Mars/Base', '--by', 'day').status).toBe(2);
  });

  it('takes nothing of a file with a broken line, and names the line', () => {
    const { write, run, stats, folder } = place();
    write('broken.jsonl', [{ id: 'a', model: 'm' }, '{"id":']);
    write('boxes.jsonl', [
      { id: 'a', model: 'm' },
      { model: 'm', prediction: [{ box: [1, 2, 3], label: 'x' }] },
    ]);
    write('ragged.csv', ['id,model', '1,m', '2,m,3']);
    for (const [file, line] of [
      ['broken.jsonl', 2],
      ['boxes.jsonl', 2],
      ['ragged.csv', 3],
    ] as const) {
      const { status, stderr } = run('log', file);
      expect({ file, status }).toEqual({ file, status: 1 });
      expect(stderr).toContain(`'${file}' line ${line}`);
    }
    expect(stats()).toEqual([]);
    expect(fs.readdirSync(path.join(folder, 'log'))).toEqual([]);
  });

  it('keeps labels that come first, and takes the last one of an id', () => {
    const { write, run } = place();
    write('labels.csv', ['id,label', 'a,yes', 'b,no', 'c,no', 'a,no']);
    write(
      'p.jsonl',
      ['a', 'b', 'c', 'd'].map((id) => ({ id, model: 'm', prediction: id === 'c' ? 'yes' : 'no' })),
    );
    expect(run('label', 'labels.csv').status).toBe(0);
    expect(run('log', 'p.jsonl').status).toBe(0);
    const report = JSON.parse(run('performance', '--json').stdout) as unknown;
    expect(report).toMatchObject({
      labelled_share: 0.75,
      metrics: { accuracy: { value: 2 / 3, n: 3 } },
      per_class: { no: { precision: 1, recall: 2 / 3, f1: 0.8, support: 3 } },
      confusion_matrix: {
        labels: ['no', 'yes'],
        matrix: [
          [2, 1],
          [0, 0],
        ],
      },
    });
    expect(run('performance').stdout).toContain('3 of 4 predictions have a label');
  });

  it('judges each version and each bucket by the time of the prediction, as the whole is judged', () => {
    const { write, run } = place();
    write('p.jsonl', [
      { id: 'a', at: '2026-03-28T12:00:00Z', model: 'm', version: 1, prediction: 1, scores: { 0: 0.1, 1: 0.9 } },
      { id: 'b', at: '2026-03-28T22:30:00Z', model: 'm', version: 2, prediction: 0, scores: { 0: 0.6, 1: 0.4 } },
      { id: 'c', at: '2026-03-28T23:30:00Z', model: 'm', version: 10, prediction: 0, scores: { 0: 0.8, 1: 0.2 } },
    ]);
    write('l.jsonl', [
      { id: 'a', label: 1 },
      { id: 'c', label: 1, at: '2026-04-01' },
    ]);
    run('log', 'p.jsonl');
    run('label', 'l.jsonl');
    const ask = (...words: string[]): unknown => JSON.parse(run('performance', '--json', ...words).stdout);
    const whole = ask();
    expect(whole).not.toHaveProperty('buckets');
    expect(ask('--by', 'day', '--tz', 'Europe/Berlin')).toMatchObject({
      ...(whole as object),
      buckets: {
        '2026-03-27T23:00:00.000Z': { labelled_share: 0.5, metrics: { accuracy: { value: 1, n: 1 } } },
        '2026-03-28T23:00:00.000Z': { task: 'classification', metrics: { accuracy: { value: 0, n: 1 } } },
      },
    });
    const versions = (ask('--by', 'version') as { versions: Record<string, object> }).versions;
    expect(Object.keys(versions)).toEqual(['1', '2', '10']);
    expect(versions['2']).toMatchObject({ labelled: 0, labelled_share: 0, metrics: {} });
    expect(run('performance', '--by', 'version').stdout).toContain('m 10: 1 of 1 predictions have a label');
    expect(ask('--estimate', '--by', 'version')).toMatchObject({ versions: { 1: { n: 1, accuracy: 0.9 } } });
    expect(run('performance', '--by', 'day', '--tz', 'Mars/Olympus').status).toBe(2);
    expect(ask('--since', '2026-03-28T23:00:00Z')).toMatchObject({ predictions: 1 });
  });

  it('reads what comes on stdin', () => {
    const folder = temporaryFolder();
    const input = '{"prediction": 3}\n{"prediction": 4}\n';
    expect(mlops(folder, ['monitor', 'log', '-', '--model', 'm', '--predictions', 'log'], { input }).status).toBe(0);
    const { stdout } = mlops(folder, ['monitor', 'stats', '--json', '--predictions', 'log']);
    expect(JSON.parse(stdout)).toMatchObject([{ predictions: 2, prediction: { mean: 3.5 }, classes: { 3: 1, 4: 1 } }]);
  });
});

describe('what the log tells, as files', () => {
  it('is exported as what the commands print, and drawn on one page that needs nothing else', () => {
    const { write, run, stats, folder } = place();
    write('p.jsonl', [
      { id: 'a', at: 0, model: '<b>m', version: 1, prediction: 'cat', latency_ms: 4, inputs: { x: 1, c: '</script>' } },
      { id: 'b', at: 1e8, model: '<b>m', version: 2, prediction: 'dog', error: 'slow' },
    ]);
    write('l.jsonl', [{ id: 'a', label: 'dog' }]);
    run('log', 'p.jsonl');
    run('label', 'l.jsonl');
    expect(run('export', 'out', '--json').stdout).toContain('"predictions_history.json"');
    const read = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(folder, 'out', name), 'utf8'));
    expect(read('predictions_history.json')).toEqual(stats('--by', 'day'));
    expect(read('performance_metrics.json')).toEqual(JSON.parse(run('performance', '--json').stdout));
    expect(fs.readdirSync(path.join(folder, 'out')).toSorted()).toEqual([
      'alerts',
      'performance_metrics.json',
      'predictions_history.json',
    ]);
    expect(run('export').status).toBe(2);
    const told = JSON.parse(run('report', 'page.html', '--json', '--by', 'day').stdout) as { stats: unknown };
    expect(told).toMatchObject({ file: path.join(folder, 'page.html'), performance: { '<b>m': { labelled: 1 } } });
    expect(told.stats).toEqual(stats('--by', 'day'));
    expect(run('report', 'page.html')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^file:.*page\.html\n$/),
    });
    const page = fs.readFileSync(path.join(folder, 'page.html'), 'utf8');
    expect(page).toContain('&lt;b&gt;m: latency in ms');
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<b>m|(?:src|href)="http/);
    expect(run('report', 'empty.html', '--model', 'none').status).toBe(0);
  });
});

describe('the log over HTTP', () => {
  it('takes predictions and labels of applications, all of a request or none, and tells of them', async () => {
    const folder = temporaryFolder();
    const url = await urlOf(startMlops(folder, ['server', '-p', '0', '--backend-store-uri', 'store/mlops.db']));
    const post = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as { ids?: string[]; message?: string } };
    };
    expect(await post('/predictions', { id: 'a', model: 'm', prediction: 'cat' })).toEqual({
      status: 202,
      body: { ids: ['a'] },
    });
    const two = await post('/predictions', {
      predictions: [
        { prediction_id: 7, model: 'm', prediction: 'dog' },
        { model: 'm', error: 'x' },
      ],
    });
    expect(two).toMatchObject({ status: 202, body: { ids: ['7', expect.any(String)] } });
    expect(await post('/predictions', [{ id: 'z', model: 'm' }, { id: 'y' }])).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("record 1: 'model' is missing") },
    });
    expect(
      await post('/predictions/labels', {
        labels: [
          { id: 'a', label: 'cat' },
          { id: '7', label: 'cat' },
        ],
      }),
    ).toMatchObject({ status: 202 });
    expect(await post('/feedback', { prediction_id: '7', label: 'dog' })).toMatchObject({
      status: 202,
      body: { ids: ['7'] },
    });
    const stats = await (await fetch(`${url}/monitor/stats?model=m&by=day`)).json();
    expect(stats).toMatchObject([{ model: 'm', predictions: 3, errors: 1, classes: { cat: 1, dog: 1 } }]);
    expect((await fetch(`${url}/monitor/stats?by=year`)).status).toBe(400);
    expect(await (await fetch(`${url}/monitor/health`)).json()).toMatchObject({
      status: 'ok',
      models: [{ model: 'm', predictions: 3, error_rate: 1 / 3, seconds_since_last: expect.any(Number), firing: [] }],
    });
    expect(await (await fetch(`${url}/monitor/performance?model=m`)).json()).toMatchObject({ model: 'm', labelled: 2 });
    const report = mlops(folder, ['monitor', 'performance', '--json', '--predictions', 'store/predictions']).stdout;
    expect(JSON.parse(report)).toMatchObject({ labelled: 2, metrics: { accuracy: { value: 1 } } });
  }, 60_000);
});
