// The table of runs as people use it, and a store of very many runs and columns.
import { afterAll, beforeAll, expect, it } from 'vitest';

import { describeWithTool } from '../tools.ts';
import { startUi, visit, type Ui } from './browser.ts';
import { fill, fillHuge, type Filled } from './store.ts';

describeWithTool('chromium', 'the table of runs', ({ chromium }) => {
  let ui: Ui;
  let filled: Filled;
  let huge: string;

  beforeAll(async () => {
    ui = await startUi(chromium);
    filled = await fill(ui.server.store);
    huge = await fillHuge(ui.server.store, 3000, 2000);
  });
  afterAll(() => ui.close());

  const rows = '.grid-row';
  const names = '.grid-row .cell a';

  it('sorts by a click, filters by words and by the grammar, and tells what is wrong where', async () => {
    const { page } = await ui.open(`#/experiments/${filled.experiment}`);
    await page.click('[aria-label="Sort by val/accuracy"]');
    await page.waitForSelector('[role=columnheader][aria-sort=descending]');
    await page.waitForSelector(`${names} >> text=digits-00`);
    expect(decodeURIComponent(page.url()).replaceAll('+', ' ')).toContain('order=metrics.`val/accuracy` DESC');
    const filter = page.getByRole('combobox', { name: 'Filter runs' });
    await filter.fill('digits-07');
    await page.waitForSelector('.count >> text=1 run');
    await filter.fill("params.model = 'tree' and metrics.`val/loss` > 'x'");
    await page.waitForSelector('.filter-problem');
    expect(await page.textContent('.filter-backdrop mark')).toBe("metrics.`val/loss` > 'x'");
    await filter.fill("params.model = 'tree' and metrics.`val/loss` > 0.2");
    await page.waitForSelector('.filter-problem', { state: 'detached' });
    await filter.fill('val/acc');
    await page.click('.offers li');
    expect(await filter.inputValue()).toBe('metrics.`val/accuracy` ');
    await page.context().close();
  });

  it('deletes and takes it back, tags, renames and compares, with the keyboard alone', async () => {
    const { page } = await ui.open(`#/experiments/${filled.experiment}`);
    await page.focus('.grid');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.waitForSelector('text=2 selected');
    await page.getByRole('button', { name: 'Delete', exact: true }).press('Enter');
    await page.waitForSelector('.count >> text=34 runs');
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    await page.waitForSelector('.count >> text=36 runs');
    await page.focus('.grid');
    await page.keyboard.press('Home');
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Rename' }).press('Enter');
    await page.getByLabel('New name').fill('the best');
    await page.keyboard.press('Enter');
    await page.waitForSelector(`${names} >> text=the best`);
    await page.getByRole('button', { name: 'Baseline' }).press('Enter');
    await page.waitForSelector('.grid-row.stays .badge');
    await page.focus('.grid');
    await page.keyboard.press('End');
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Compare' }).press('Enter');
    await page.waitForSelector('h1:has-text("Comparing 2 runs")');
    await page.context().close();
  });

  it('chooses columns, keeps a view, groups, and exports what is shown', async () => {
    const { page } = await ui.open(`#/experiments/${filled.experiment}`);
    await page.click('button:has-text("Columns")');
    await page.getByLabel('Search columns').fill('optimizer');
    await page.click('section:has-text("Params") label:has-text("optimizer")');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.click('button:has-text("Views")');
    await page.getByLabel('Name of this view').fill('mine');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.views .item:has-text("mine")');
    await page.keyboard.press('Escape');
    await page.click('button:has-text("Export")');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.item:has-text("CSV")')]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const csv = Buffer.concat(chunks).toString();
    expect(csv.trimEnd().split('\r\n')).toHaveLength(37);
    expect(csv).toMatch(/^run_id,name,status,user,start_time,end_time,metrics\.train\/loss/);
    await page.getByLabel('Group by').selectOption('params.model');
    await page.waitForSelector('td:has-text("±")');
    expect(await page.locator('tbody tr').count()).toBe(3);
    await page.context().close();
  });

  it('shows what others log without being asked', async () => {
    const { page } = await ui.open(`#/experiments/${filled.experiment}`);
    const { server } = ui;
    await page.waitForSelector('.connection.live');
    await fetch(`${server.url}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_id: filled.experiment, run_name: 'fresh', start_time: Date.now() }),
    });
    await page.waitForSelector(`${names} >> text=fresh`);
    await page.context().close();
  });

  it(
    'draws only what is seen of thousands of runs and columns, and its memory stays flat',
    { timeout: 180_000 },
    async () => {
      const { page } = await ui.open(`#/experiments/${huge}`);
      await visit(page, `#/experiments/${huge}?cols=${encodeURIComponent(JSON.stringify(manyColumns(400)))}`);
      await page.waitForSelector('text=3,000 runs');
      await page.focus('.grid');
      const height = async (): Promise<number> =>
        (await page.evaluate("document.querySelector('.grid').scrollHeight")) as number;
      while ((await height()) < 90_000) {
        await page.keyboard.press('End');
        await page.waitForTimeout(50);
      }
      await page.evaluate("document.querySelector('.grid').scrollLeft = 20000");
      await page.waitForTimeout(200);
      expect(await page.locator(rows).count()).toBeLessThan(60);
      expect(await page.locator('.grid .cell').count()).toBeLessThan(1500);
      expect(await page.locator('[role=columnheader] .name').last().textContent()).toMatch(/^m\d+$/);
      // News by the thousand leave nothing behind.
      const session = await page.context().newCDPSession(page);
      const heap = async (): Promise<number> => {
        await session.send('HeapProfiler.collectGarbage');
        const { usedSize } = await session.send('Runtime.getHeapUsage');
        return usedSize;
      };
      const news = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          await page.evaluate(
            "document.querySelector('.grid').scrollTop += 333; document.querySelector('.grid').dispatchEvent(new Event('scroll'))",
          );
          if (i % 50 === 0) await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
        }
        await page.waitForTimeout(300);
      };
      await news(50);
      const before = await heap();
      await news(200);
      expect((await heap()) - before).toBeLessThan(4e6);
      await page.context().close();
    },
  );
});

function manyColumns(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `metrics.m${String(i).padStart(5, '0')}`);
}
