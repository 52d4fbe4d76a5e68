import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { command, mlops, root, startMlops, temporaryFolder, urlOf } from '../../cli.ts';
import { zipMapModel } from '../../support/onnx.ts';
import { describeWithTool } from '../../tools.ts';

const folder = path.join(root, 'templates/monitoring');

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(fs.readFileSync(path.join(folder, 'grafana/dashboards/models.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const rules = fs.readFileSync(path.join(folder, 'prometheus/rules.yml'), 'utf8');

describeWithTool('promtool', 'the monitoring templates', ({ promtool }) => {
  const check = (...args: string[]) => command(path.join(folder, 'prometheus'), promtool, args);

  it('are valid, and the rules ring as their unit tests say', () => {
    expect(check('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
    expect(check('test', 'rules', 'rules.test.yml')).toMatchObject({ status: 0 });
    const all = expressions.map((expr, i) => ({ record: `panel:expr:${i}`, expr: expr.replaceAll('$model', '.*') }));
    const made = path.join(temporaryFolder(), 'panels.yml');
    fs.writeFileSync(made, JSON.stringify({ groups: [{ name: 'panels', rules: all }] }));
    expect(check('check', 'rules', made)).toMatchObject({ status: 0 });
  });

  it('ask only for series that a running server exposes', async () => {
    const project = path.join(temporaryFolder(), 'shop');
    fs.mkdirSync(path.join(project, '.mlops'), { recursive: true });
    fs.writeFileSync(path.join(project, 'animal.onnx'), zipMapModel(2, ['cat', 'dog']));
    const columns = Array.from({ length: 60 }, (_, i) => `${i % 20},${i % 3 === 0 ? 'cat' : 'dog'}`);
    fs.writeFileSync(path.join(project, 'train.csv'), ['age,prediction', ...columns].join('\n'));
    fs.writeFileSync(
      path.join(project, 'monitor.yaml'),
      'models: {shop: {reference: train.csv}}\nalerts: {rules: [{name: e, on: error_rate, above: -1}]}\n',
    );
    const records = Array.from({ length: 60 }, (_, i) =>
      JSON.stringify({ id: `r${i}`, model: 'shop', prediction: 'cat', inputs: { age: i } }),
    );
    const log = (verb: string, lines: readonly string[]) =>
      mlops(project, ['monitor', verb, '-'], { input: lines.join('\n') });
    expect(log('log', records).status).toBe(0);
    expect(
      log(
        'label',
        records.map((_, i) => JSON.stringify({ id: `r${i}`, label: i < 50 ? 'cat' : 'dog' })),
      ).status,
    ).toBe(0);
    expect(mlops(project, ['monitor', 'watch', '--once']).status).toBe(1);
    const url = await urlOf(startMlops(project, ['serve', 'animal.onnx', '-p', '0', '--log-predictions']));
    for (const body of ['{"X":[[1,0]]}', '{"X":[[0,5]]}', '{"X":"no"}']) {
      await fetch(`${url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    }
    const page = await (await fetch(`${url}/metrics`)).text();
    fs.writeFileSync(path.join(project, 'page.prom'), page);
    expect(command(project, 'sh', ['-c', `${promtool} check metrics < page.prom`])).toMatchObject({
      status: 0,
    });
    const exposed = new Set(page.split('\n').map((line) => /^[a-z_]+/.exec(line)?.[0] ?? ''));
    const names = [...expressions, rules].flatMap(
      (text) => text.match(/\b(?<!:)(?:mlops|process)_[a-z_]+\b(?!:)/g) ?? [],
    );
    expect([...new Set(names)].filter((name) => !exposed.has(name) && !rules.includes(`:${name}:`))).toEqual([]);
    const gauges = mlops(project, ['monitor', 'metrics']).stdout;
    expect(gauges).toContain('mlops_monitor_alert_firing{rule="e",model="shop",severity="warning"} 1');
    expect(gauges).toContain('mlops_monitor_performance{model="shop",metric="accuracy"}');
    expect(gauges).toMatch(/mlops_monitor_drift_statistic\{model="shop",column="age",method="ks"\} 0\.\d+/);
  }, 120_000);
});
