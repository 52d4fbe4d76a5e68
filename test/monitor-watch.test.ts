import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, vi } from 'vitest';

import type { Alert, Notice } from '../src/monitor/index.ts';
import { mlops, startMlops, temporaryFolder } from './cli.ts';
import { receiver } from './support/receivers.ts';

/** A project of its own, whose predictions are logged by the command. */
function project(rules: readonly string[], channels: readonly string[] = [], more = '') {
  const folder = path.join(temporaryFolder(), 'shop');
  fs.mkdirSync(path.join(folder, '.mlops'), { recursive: true });
  const list = (items: readonly string[]): string => items.map((item) => `\n    - {${item}}`).join('') || ' []';
  const yaml = `version: 1\n${more}\nalerts:\n  rules:${list(rules)}\n  channels:${list(channels)}\n`;
  fs.writeFileSync(path.join(folder, 'monitor.yaml'), yaml);
  const run = (...words: string[]) => mlops(folder, ['monitor', ...words]);
  let count = 0;
  const predict = (many: number, fields: (i: number) => object): void => {
    const lines = Array.from({ length: many }, (_, i) =>
      JSON.stringify({ id: `p${count++}`, model: 'm', prediction: 'a', ...fields(i) }),
    );
    expect(mlops(folder, ['monitor', 'log', '-'], { input: lines.join('\n') }).status).toBe(0);
  };
  return { folder, run, predict };
}

const errors = 'name: errors, on: error_rate, above: 0.1';

describe('monitor watch --once', () => {
  it('exits with 0, 1 and 2, keeps the exported files current, and alerts are listed, seen and silenced', () => {
    const { folder, run, predict } = project([errors], ['name: f, type: file'], 'export: .monitoring');
    const alerts = (): Alert[] => JSON.parse(run('alerts', 'list', '--json').stdout) as Alert[];
    expect(run('watch', '--once').status).toBe(0);
    predict(10, () => ({ error: 'x' }));
    expect(run('watch', '--once')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^firing +errors \(m\): 10 of 10/),
    });
    const [alert] = alerts();
    const id = alert?.id ?? '';
    const files = (): readonly string[] => fs.readdirSync(path.join(folder, '.monitoring/alerts'));
    expect(files()).toEqual([`${id}.json`]);
    expect(fs.readFileSync(path.join(folder, '.monitoring/.gitignore'), 'utf8')).toBe('*\n');
    const exported = JSON.parse(
      fs.readFileSync(path.join(folder, '.monitoring/predictions_history.json'), 'utf8'),
    ) as object;
    expect(exported).toMatchObject([{ model: 'm', errors: 10 }]);
    expect(run('alerts', 'ack', id.slice(0, 8)).status).toBe(0);
    expect(JSON.parse(run('alerts', 'show', id, '--json').stdout)).toMatchObject({
      acknowledged: { by: expect.any(String) },
      deliveries: [{ channel: 'f', notice: 'firing', state: 'delivered' }],
    });
    expect(run('alerts', 'silence', 'errors', '--for', '1h').status).toBe(0);
    expect(run('alerts', 'silence', 'erors').stderr).toContain("did you mean 'errors'?");
    expect(run('alerts', 'silence', 'errors', '--for', 'soon').status).toBe(2);
    expect(run('alerts', 'list').stderr).toContain("'errors' is silent until");
    expect(run('alerts', 'show', 'nope').status).toBe(1);
    predict(1000, () => ({}));
    expect(run('watch', '--once', '--json')).toMatchObject({ status: 0 });
    expect(alerts()).toMatchObject([{ id, state: 'resolved', told: 'firing' }]);
    expect(run('alerts', 'silence', 'errors', '--off').status).toBe(0);
    expect(run('watch', '--once').status).toBe(0);
    expect(alerts()).toMatchObject([{ id, state: 'resolved', told: 'resolved' }]);
    expect(run('export', 'out').status).toBe(0);
    expect(JSON.parse(fs.readFileSync(path.join(folder, 'out/alerts', `${id}.json`), 'utf8'))).toMatchObject({ id });
    fs.writeFileSync(path.join(folder, 'monitor.yaml'), 'alrts: {}\n');
    expect(run('watch', '--once')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean 'alerts'?"),
    });
    fs.rmSync(path.join(folder, 'monitor.yaml'));
    expect(run('watch', '--once').status).toBe(2);
  }, 60_000);

  it('runs a command when a rule fires, within its budget, and keeps its log as a run', () => {
    const { folder, run, predict } = project([`${errors}, run: "echo retrained $MLOPS_ALERT_MODEL; touch ran"`]);
    predict(10, () => ({ error: 'x' }));
    expect(run('watch', '--once')).toMatchObject({ status: 1, stderr: expect.stringContaining('runs as') });
    expect(fs.existsSync(path.join(folder, 'ran'))).toBe(true);
    expect(mlops(folder, ['runs', 'artifacts', 'get', 'latest', 'output.txt']).stdout).toBe('retrained m\n');
    expect(mlops(folder, ['runs', 'show', 'latest', '--json']).stdout).toContain('mlops.alert.rule');
    predict(1000, () => ({}));
    run('watch', '--once');
    predict(1000, () => ({ error: 'x' }));
    fs.rmSync(path.join(folder, 'ran'));
    expect(run('watch', '--once').stderr).toContain('budget 1');
    expect(fs.existsSync(path.join(folder, 'ran'))).toBe(false);
  }, 60_000);
});

describe('monitor watch', () => {
  it('ends with 0 at SIGTERM, and after kill -9 tells what waited, under the same id', async () => {
    let open = false;
    const { url, received } = await receiver(() => (open ? 200 : undefined));
    const { folder, run, predict } = project([errors], [`name: hook, type: webhook, url: "${url}"`]);
    predict(10, () => ({ error: 'x' }));
    const first = startMlops(folder, ['monitor', 'watch', '--every', '1s']);
    // The receiver has it, and did not answer yet: nobody can know.
    await vi.waitFor(() => expect(received).toHaveLength(1), 20_000);
    first.child.kill('SIGKILL');
    await first.ended;
    open = true;
    const second = startMlops(folder, ['monitor', 'watch', '--every', '1s']);
    await vi.waitFor(() => expect(received).toHaveLength(2), 20_000);
    predict(1000, () => ({}));
    await vi.waitFor(() => expect(received).toHaveLength(3), 20_000);
    second.child.kill('SIGTERM');
    expect(await second.ended).toEqual({ status: 0, signal: null });
    const told = received.map(({ body }) => JSON.parse(body) as Notice);
    expect(told.map(({ state }) => state)).toEqual(['firing', 'firing', 'resolved']);
    expect(new Set(told.map(({ id }) => id)).size).toBe(1);
    expect(run('watch', '--once').status).toBe(0);
    expect(received).toHaveLength(3);
  }, 90_000);
});
