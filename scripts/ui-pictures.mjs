// Makes the pictures of docs/ui.md: a server with the runs of the tests, and Chromium.
import { build } from 'esbuild';
import { mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.dirname(import.meta.dirname);
// Beside the bundle, where the server looks for the files of the pages.
const place = path.join(root, 'dist', `pictures.${process.pid}`);
mkdirSync(place, { recursive: true });
try {
  const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'warning' };
  for (const name of ['browser', 'store']) {
    const entry = path.join(root, `test/ui/${name}.ts`);
    await build({ ...options, entryPoints: [entry], outfile: path.join(place, `${name}.mjs`) });
  }
  const { startUi } = await import(pathToFileURL(path.join(place, 'browser.mjs')).href);
  const { fill } = await import(pathToFileURL(path.join(place, 'store.mjs')).href);
  const ui = await startUi(process.argv[2] ?? '/usr/bin/chromium');
  const { experiment, runs } = await fill(ui.server.store);
  const compared = encodeURIComponent(JSON.stringify([runs[0], runs[1], runs[7]]));
  const pictures = {
    'ui-runs': [`#/experiments/${experiment}?base=${runs[35]}`, { width: 1180, height: 520 }],
    'ui-curves': [`#/compare-runs?runs=${compared}&tab=curves`, { width: 1180, height: 430, dark: true }],
    'ui-model': ['#/models/digits', { width: 1180, height: 430 }],
  };
  for (const [name, [address, how]] of Object.entries(pictures)) {
    const { page } = await ui.open(address, how);
    await page.waitForTimeout(500);
    await page.screenshot({ path: path.join(root, `docs/pictures/${name}.png`) });
  }
  await ui.close();
} finally {
  rmSync(place, { recursive: true, force: true });
}
