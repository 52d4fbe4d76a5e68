// Promotion on the board: through gates, and past them with a reason.
import { afterAll, beforeAll, expect, it } from 'vitest';

import { describeWithTool } from '../tools.ts';
import { startUi, type Ui } from './browser.ts';
import { fill } from './store.ts';

describeWithTool('chromium', 'the board of a model', ({ chromium }) => {
  let ui: Ui;
  beforeAll(async () => {
    ui = await startUi(chromium);
    await fill(ui.server.store);
    await ui.server.store.setRegisteredModelTag('digits', { key: 'mlops.gates', value: 'required' });
  });
  afterAll(() => ui.close());

  it('shows why gates refuse, and keeps the reason of who overrides them', async () => {
    const { store } = ui.server;
    const { page } = await ui.open('#/models/digits');
    await page.getByLabel('Version 5: Move to').selectOption('Production');
    await page.getByRole('button', { name: 'Move', exact: true }).click();
    await page.waitForSelector('.notice:has-text("requires gates")');
    expect((await store.getModelVersion('digits', '5')).stage).toBe('None');
    await page.getByLabel('Move it all the same, because').fill('the old one is broken');
    await page.getByRole('button', { name: 'Move', exact: true }).click();
    await page.waitForSelector('.lane:has-text("Production") .ticket:has-text("Version 5")');
    await page.waitForSelector('td:has-text("override: the old one is broken")');
    expect((await store.getModelVersion('digits', '5')).stage).toBe('Production');
    expect((await store.getModelVersion('digits', '2')).stage).toBe('Archived');
    await page.click('.ticket a:has-text("Version 5")');
    await page.waitForSelector('h1:has-text("Version 5")');
    await page.click('button:has-text("Set alias")');
    await page.getByLabel('Alias', { exact: true }).fill('best');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.badge:has-text("@best")');
    expect((await store.getVersionByAlias('digits', 'best')).version).toBe('5');
    await page.context().close();
  });
});
