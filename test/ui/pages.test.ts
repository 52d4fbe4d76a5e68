// Every page in a real browser: filled, empty, wrong, narrow and wide, in both colour schemes; its weight and its manners.
import * as fs from 'node:fs';
import * as path from 'node:path';
import axe from 'axe-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { describeWithTool } from '../tools.ts';
import { settled, startUi, visit, type Ui } from './browser.ts';
import { fill, type Filled } from './store.ts';

const root = path.resolve(import.meta.dirname, '..', '..');

/** Serious violations, with where they are. */
const flaws = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, nodes }) =>
    id + ' ' + nodes.slice(0, 3).map(({ target, any }) => target.join(' ') + ' ' + any.map(({ message }) => message).join(' ')).join(' | ')))`;

describeWithTool('chromium', 'the pages of the web UI', ({ chromium }) => {
  let ui: Ui;
  let filled: Filled;

  beforeAll(async () => {
    ui = await startUi(chromium, { prefix: '/ml' });
    filled = await fill(ui.server.store);
  });
  afterAll(() => ui.close());

  const run = (i: number): string => filled.runs[i] ?? '';
  const addresses = (): Readonly<Record<string, string>> => {
    const { experiment } = filled;
    const compared = `#/compare-runs?runs=${JSON.stringify([run(0), run(1), run(7)])}&experiments=["${experiment}"]`;
    return {
      experiments: '#/experiments',
      runs: `#/experiments/${experiment}`,
      grouped: `#/experiments/${experiment}?group=params.model`,
      run: `#/experiments/${experiment}/runs/${run(0)}`,
      metrics: `#/experiments/${experiment}/runs/${run(0)}/model-metrics`,
      artifacts: `#/experiments/${experiment}/runs/${run(0)}/artifacts?path=table.csv`,
      traces: `#/experiments/${experiment}/runs/${run(0)}/traces`,
      differences: compared,
      curves: `${compared}&tab=curves`,
      parallel: `${compared}&tab=parallel`,
      scatter: `${compared}&tab=scatter`,
      box: `${compared}&tab=box`,
      models: '#/models',
      model: '#/models/digits',
      version: '#/models/digits/versions/2',
      wrong: '#/nothing/here',
      gone: `#/experiments/${experiment}/runs/${'0'.repeat(32)}`,
    };
  };
  /** What a page that has nothing to show may say in the console. */
  const missing = /status of 404/;

  it.each([false, true])(
    'have no serious flaw that axe finds, and do not complain (dark: %s)',
    { timeout: 180_000 },
    async (dark) => {
      const { page, complaints, requests } = await ui.open('#/experiments', { dark });
      await page.evaluate(axe.source);
      for (const [name, address] of Object.entries(addresses())) {
        await visit(page, address);
        expect(await page.evaluate(flaws), name).toEqual([]);
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(over, name).toBeLessThanOrEqual(0);
      }
      expect(complaints.filter((text) => !missing.test(text))).toEqual([]);
      expect(requests.filter((url) => !url.startsWith(`${ui.server.url}/`))).toEqual([]);
      const described = await (await fetch(`${ui.server.url}/ajax-api/2.0/mlflow/mlops-ui/openapi.json`)).json();
      const known = Object.keys((described as { paths: object }).paths);
      const asked = requests
        .map((url) => new URL(url).pathname.slice('/ml'.length))
        .filter((one) => one.includes('api/'));
      expect(asked.length).toBeGreaterThan(20);
      expect(asked.filter((one) => !known.includes(one))).toEqual([]);
      await page.context().close();
    },
  );

  it.each([320, 2560])('fit a window of %i pixels', async (width) => {
    const { page } = await ui.open('#/experiments', { width, height: 700 });
    for (const [name, address] of Object.entries(addresses())) {
      await visit(page, address);
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(over, name).toBeLessThanOrEqual(0);
    }
    await page.context().close();
  });

  it('are light: 60 kB for the first sight of runs, 120 kB for any page', async () => {
    for (const name of ['runs', 'metrics', 'curves', 'model']) {
      const { page, wire } = await ui.open(addresses()[name] ?? '');
      expect(await wire(), name).toBeLessThan(name === 'runs' ? 60_000 : 120_000);
      await page.context().close();
    }
  });

  it('are found at the old addresses and at wrong ones', async () => {
    const { page } = await ui.open(`experiments/${filled.experiment}/runs/${run(0)}`);
    await page.waitForSelector('h1');
    expect(await page.textContent('h1')).toBe('digits-00');
    const response = await page.goto(`${ui.server.url}/nothing/at/all`);
    expect(response?.status()).toBe(404);
    expect(await page.textContent('main')).toContain('There is no such page');
    await page.click('main a');
    await page.waitForSelector('table.experiments');
    await page.context().close();
  });

  it('show files of each kind', async () => {
    const shown: Readonly<Record<string, string>> = {
      'table.csv': 'td:has-text("one, two")',
      'facts.json': 'pre:has-text("accuracy")',
      'README.md': '.markdown h1:has-text("Read me")',
      'log.txt': 'pre:has-text("line 2")',
      'plots/confusion.png': '.preview img[src*="confusion"]',
      'plots/figure.svg': '.preview img[src*="figure"]',
      'report.html': '.preview iframe',
      'weights.bin': 'p:has-text("No preview")',
    };
    const base = `#/experiments/${filled.experiment}/runs/${run(0)}/artifacts?path=`;
    const { page } = await ui.open(base);
    for (const [file, selector] of Object.entries(shown)) {
      await page.evaluate(`location.hash = ${JSON.stringify(base + encodeURIComponent(file))}`);
      await page.waitForSelector(selector);
      if (!selector.includes('img')) continue;
      await page.waitForSelector('.preview .soft:has-text("×")');
    }
    await page.context().close();
  });

  it('say so when there is nothing, and when the server is away', async () => {
    const { page } = await ui.open('#/experiments/0');
    await page.waitForSelector('text=No runs yet');
    await page.context().setOffline(true);
    await page.waitForSelector('.banner', { timeout: 20_000 });
    await page.context().setOffline(false);
    await page.waitForSelector('.banner', { state: 'detached', timeout: 20_000 });
    await page.context().close();
  });

  it('keep to the whole budget', () => {
    const folder = path.join(root, 'dist/ui');
    const page = fs.readFileSync(path.join(folder, 'index.html'), 'utf8');
    // Files of an older build may still lie there.
    const names = new Set(page.match(/[\w-]+\.(?:js|css|svg)/g) ?? []);
    for (const name of names) {
      if (!name.endsWith('.js')) continue;
      for (const more of fs.readFileSync(path.join(folder, name), 'utf8').match(/[\w-]+-[A-Z0-9]{8}\.js/g) ?? [])
        names.add(more);
    }
    const bytes = [...names].reduce((sum, name) => {
      const sizes = ['', '.gz', '.br'].map((ending) => path.join(folder, name + ending));
      return sum + sizes.reduce((part, file) => part + (fs.existsSync(file) ? fs.statSync(file).size : 0), 0);
    }, 0);
    expect(names.size).toBeGreaterThan(8);
    expect(bytes).toBeLessThan(600_000);
  });

  it('lead from a name to what bears it, with the keyboard alone', async () => {
    const { page } = await ui.open('#/experiments');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('digits-07');
    await page.waitForSelector('.found li:has-text("digits-07")');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("digits-07")');
    await settled(page);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Colours: Dark');
    await page.waitForSelector('.found li:has-text("Dark")');
    await page.keyboard.press('Enter');
    await page.waitForSelector('html[data-theme=dark]');
    await page.context().close();
  });
});
