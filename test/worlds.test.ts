/** The worlds of `mlops init --template`: from the scaffold to a served prediction, by the lines that they print. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { describeWithTool } from './tools.ts';
import { askExamples, makeWorld, nextOf, predict, serving, type, type World } from './world.ts';

/** Least values of metrics.json, and the others that a metric must be better than. */
const floors: Readonly<Record<string, (metrics: Record<string, number>) => void>> = {
  tabular: (metrics) => {
    expect(metrics['auc']).toBeGreaterThan(0.78);
    expect(metrics['accuracy']).toBeGreaterThan((metrics['baseline_accuracy'] ?? 1) + 0.15);
    expect(metrics['skill']).toBeGreaterThan(0.2);
  },
  text: (metrics) => {
    expect(metrics['accuracy']).toBeGreaterThan(0.85);
    expect(metrics['recall_at_5']).toBeGreaterThan(10 * (metrics['baseline_recall'] ?? 1));
    expect(metrics['mae']).toBeLessThan(0.5);
    expect(metrics['embedding_dim']).toBe(32);
    expect(metrics['avg_profile_length']).toBeGreaterThan(8);
  },
  'tabular-ab': (metrics) => {
    expect(metrics['r2']).toBeGreaterThan(0.75);
    expect(metrics['mae']).toBeLessThan((metrics['baseline_mae'] ?? 0) / 2);
    expect(metrics['accuracy']).toBeGreaterThan((metrics['baseline_accuracy'] ?? 1) + 0.08);
    expect(metrics['auc']).toBeGreaterThan(0.85);
    expect(metrics['profit']).toBeGreaterThan(metrics['profit_of_nothing'] ?? Infinity);
    expect(metrics['convergence']).toBeGreaterThan(0.7);
  },
  image: (metrics) => {
    expect(metrics['accuracy']).toBeGreaterThan((metrics['baseline_accuracy'] ?? 1) + 0.4);
    expect(metrics['iou']).toBeGreaterThan((metrics['baseline_iou'] ?? 1) + 0.2);
    expect(metrics['found']).toBeGreaterThan(0.9);
  },
};

const worlds = Object.keys(floors);
let room = '';

beforeAll(() => {
  room = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'worlds-')));
});

afterAll(() => fs.rmSync(room, { recursive: true, force: true }));

describe.each(worlds)('%s in JavaScript', (name) => {
  it('goes from the scaffold to a served prediction', () => walk(name, 'node'), 240_000);
});

describeWithTool('mlflow', 'with Python', ({ mlflow }) => {
  it.each(worlds)('%s goes from the scaffold to a served prediction', (name) => walk(name, 'python', mlflow), 240_000);
});

describe('a table of your own', () => {
  it('takes two lines of params.yaml', async () => {
    const world = await makeWorld(path.join(room, 'own'), 'tabular', 'node');
    const rows = Array.from({ length: 120 }, (_, n) => {
      const area = 30 + ((n * 37) % 90);
      return `flat-${n};${['red', 'blue, dark'][n % 2]};${n % 17 === 0 ? '' : area};${area * 10 + (n % 2) * 200}`;
    });
    fs.writeFileSync(path.join(world.folder, 'data/mine.csv'), ['id;colour;area;price', ...rows, ''].join('\n'));
    const params = path.join(world.folder, 'params.yaml');
    const lines = fs.readFileSync(params, 'utf8').split('\n');
    const changed = lines.map((line) =>
      line.replace(/^ {2}file: .*/, '  file: data/mine.csv').replace(/^ {2}target: .*/, '  target: price'),
    );
    expect(changed.filter((line, index) => line !== lines[index])).toHaveLength(2);
    fs.writeFileSync(params, changed.join('\n'));
    const { before, serve } = nextOf('tabular');
    for (const line of before) expect(await type(world, line), line).toMatchObject({ status: 0 });
    await serving(world, serve, async (url) => {
      const { body } = await predict(url, { colour: 'red', area: 60 });
      const { price } = (body as { outputs: { price: number[][] } }).outputs;
      expect(price[0]?.[0]).toBeGreaterThan(450);
      expect(price[0]?.[0]).toBeLessThan(750);
      expect(await predict(url, { colour: 'green', area: 60 })).toMatchObject({ status: 400 });
    });
  }, 120_000);
});

async function walk(name: string, lang: string, python?: string): Promise<void> {
  const world = await makeWorld(path.join(room, lang), name, lang, python);
  expect((await type(world, 'git status --porcelain')).stdout).toBe('');
  expect((await type(world, 'git branch --format "%(refname:short)"')).stdout).toBe('dev\nmain\n');
  expect(await type(world, 'mlops doctor')).toMatchObject({ status: 0 });
  const { before, serve } = nextOf(name);
  for (const line of before) {
    const said = await type(world, line);
    expect(said.status, `${line}\n${said.stdout}\n${said.stderr}`).toBe(0);
  }
  floors[name]?.(metricsOf(world));
  await everyModelIsInProduction(world);
  await serving(world, serve, async (url) => {
    await askExamples(url);
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy' });
  });
  expect((await type(world, 'mlops monitor status --json')).stdout).toMatch(/"predictions":[12]\b/);
}

/** Of metrics.json, or of all files of the folder metrics. */
function metricsOf({ folder }: World): Record<string, number> {
  const several = path.join(folder, 'metrics');
  const files = fs.existsSync(several)
    ? fs.readdirSync(several).map((name) => path.join('metrics', name))
    : ['metrics.json'];
  const read = (file: string): object => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as object;
  return Object.assign({}, ...files.map(read)) as Record<string, number>;
}

async function everyModelIsInProduction(world: World): Promise<void> {
  const { stdout } = await type(world, 'mlops models list --json');
  for (const model of JSON.parse(stdout) as { name: string; latest_versions: { current_stage: string }[] }[]) {
    expect(
      model.latest_versions.map((version) => version.current_stage),
      model.name,
    ).toContain('Production');
  }
}
