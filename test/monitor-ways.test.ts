import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';

import type { Notice } from '../src/monitor/index.ts';
import { startMlops, temporaryFolder, urlOf } from './cli.ts';
import { linearModel } from './support/onnx.ts';
import { mailServer, receiver } from './support/receivers.ts';

async function served(folder: string, args: readonly string[]) {
  const running = startMlops(folder, args);
  return { ...running, url: await urlOf(running) };
}

const post = async (url: string, body: unknown): Promise<number> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  await answer.arrayBuffer();
  return answer.status;
};

it('serving under drifted traffic rings within an interval, and tells when it is over', async () => {
  const folder = path.join(temporaryFolder(), 'shop');
  fs.mkdirSync(path.join(folder, '.mlops'), { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'line.onnx'),
    linearModel(2, 1, () => 1),
  );
  const rows = Array.from({ length: 200 }, (_, i) => `${(i * 37) % 100},${(i * 17) % 50}`);
  fs.writeFileSync(path.join(folder, 'train.csv'), ['x[0],x[1]', ...rows].join('\n'));
  const { url: hook, received } = await receiver();
  fs.writeFileSync(
    path.join(folder, 'monitor.yaml'),
    `models: {line: {reference: train.csv, window: 8s}}
alerts:
  rules: [{name: drifted, on: drift}]
  channels: [{name: hook, type: webhook, url: "${hook}"}]
`,
  );
  const { url } = await served(folder, ['serve', 'line.onnx', '-p', '0', '--log-predictions']);
  const load = async (shift: number): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const x = [((i * 37) % 100) + shift, (i * 17) % 50];
      expect(await post(`${url}/predict`, { x: [x] })).toBe(200);
    }
  };
  const watcher = startMlops(folder, ['monitor', 'watch', '--every', '1s']);
  const states = (): string[] => received.map(({ body }) => (JSON.parse(body) as Notice).state);
  await load(0);
  await vi.waitFor(() => expect(watcher.output.stderr).toMatch(/1 check, 0 firing/), 20_000);
  await load(80);
  await vi.waitFor(() => expect(states()).toEqual(['firing']), { timeout: 20_000, interval: 100 });
  expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
    rule: 'drifted',
    model: 'line',
    text: expect.stringContaining('x[0]'),
  });
  const health = (await (await fetch(`${url}/monitor/health`)).json()) as object;
  expect(health).toMatchObject({ status: 'alert', models: [{ model: 'line', firing: ['drifted'] }] });
  // The shifted ones leave the window, and there are good ones again.
  await vi.waitFor(
    async () => {
      await load(0);
      expect(states()).toEqual(['firing', 'resolved']);
    },
    { timeout: 60_000, interval: 500 },
  );
  watcher.child.kill('SIGTERM');
  expect(await watcher.ended).toMatchObject({ status: 0 });
}, 150_000);

it('an application with its own model has statistics over HTTP, a mail at drift, and the three files', async () => {
  const folder = path.join(temporaryFolder(), 'skin');
  fs.mkdirSync(path.join(folder, '.mlops'), { recursive: true });
  const { port, mails } = await mailServer();
  const rows = Array.from({ length: 100 }, (_, i) => `${20 + (i % 60)},${i % 3 === 0 ? 'arm' : 'leg'}`);
  fs.writeFileSync(path.join(folder, 'train.csv'), ['age,site', ...rows].join('\n'));
  fs.writeFileSync(
    path.join(folder, 'monitor.yaml'),
    `export: .monitoring
models: {skin: {reference: train.csv, window: 1d}}
alerts:
  rules: [{name: drifted, on: drift}]
  channels: [{name: mail, type: smtp, host: 127.0.0.1, port: ${port}, from: a@example.org, to: b@example.org}]
`,
  );
  const { url } = await served(folder, ['server', '-p', '0']);
  const send = async (name: string, of: (i: number) => object): Promise<void> => {
    const predictions = Array.from({ length: 80 }, (_, i) => ({ id: `${name}${i}`, model: 'skin', ...of(i) }));
    expect(await post(`${url}/predictions`, { predictions })).toBe(202);
  };
  // The mail server is in this process: nothing here may wait for a command.
  const watch = () => startMlops(folder, ['monitor', 'watch', '--once']).ended;
  await send('a', (i) => ({
    inputs: { age: 20 + (i % 60), site: i % 3 === 0 ? 'arm' : 'leg' },
    prediction: i % 2 === 0 ? 'ok' : 'bad',
  }));
  expect(await watch()).toMatchObject({ status: 0 });
  await send('b', () => ({ inputs: { age: 95, site: 'arm' }, prediction: 'bad' }));
  const labels = Array.from({ length: 80 }, (_, i) => ({ id: `a${i}`, label: 'ok' }));
  expect(await post(`${url}/predictions/labels`, { labels })).toBe(202);
  expect(await watch()).toMatchObject({ status: 1 });
  expect(mails).toHaveLength(1);
  expect(mails[0]?.text).toContain('age');
  const [stats] = (await (await fetch(`${url}/monitor/stats`)).json()) as object[];
  expect(stats).toMatchObject({ model: 'skin', predictions: 160, classes: { bad: 120, ok: 40 } });
  expect(await (await fetch(`${url}/monitor/drift`)).json()).toMatchObject({ model: 'skin', drifted: true });
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('mlops_monitor_drift_detected{model="skin"} 1');
  const read = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(folder, '.monitoring', name), 'utf8'));
  expect(read('predictions_history.json')).toMatchObject([{ model: 'skin', predictions: 160 }]);
  expect(read('performance_metrics.json')).toMatchObject({
    model: 'skin',
    labelled: 80,
    metrics: { accuracy: { value: 0.5 } },
  });
  const [file = ''] = fs.readdirSync(path.join(folder, '.monitoring/alerts'));
  expect(read(`alerts/${file}`)).toMatchObject({ state: 'firing', rule: 'drifted', model: 'skin' });
}, 90_000);
