/** One server and one real browser for a file of tests of the web UI. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

import { startTrackingServer, type TrackingServer, type TrackingServerOptions } from '../../src/app/endpoint/server.ts';
import { silentLogger } from '../../src/base/index.ts';

export interface Ui {
  readonly server: TrackingServer;
  readonly browser: Browser;
  readonly folder: string;
  /** A page at an address behind the hash, when it has been drawn. Its complaints are collected. */
  readonly open: (hash: string, options?: OpenOptions) => Promise<Opened>;
  readonly close: () => Promise<void>;
}

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** Runs before the page's own code. */
  readonly before?: string;
}

export interface Opened {
  readonly page: Page;
  /** Errors of the page and lines of its console that are none of our business to ignore. */
  readonly complaints: string[];
  /** Addresses that were asked. */
  readonly requests: string[];
  /** Bytes that came over the wire, without headers. */
  readonly wire: () => Promise<number>;
}

export async function startUi(program: string, options: Partial<TrackingServerOptions> = {}): Promise<Ui> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-ui-'));
  const server = await startTrackingServer({
    place: { uri: path.join(folder, '.mlops', 'mlops.db'), root: folder, given: false },
    cwd: folder,
    host: '127.0.0.1',
    port: 0,
    log: silentLogger,
    ...options,
  });
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
  return {
    server,
    browser,
    folder,
    open: (hash, how) => open(browser, `${server.url}/${hash}`, how),
    close: async () => {
      await browser.close();
      await server.close(1000);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function open(browser: Browser, url: string, options: OpenOptions = {}): Promise<Opened> {
  const { width = 1280, height = 800, dark = false, before } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  if (before !== undefined) await page.addInitScript(before);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('request', (request) => requests.push(request.url()));
  const finished: Promise<number>[] = [];
  page.on('requestfinished', (request) =>
    finished.push(
      request
        .sizes()
        .then(({ responseBodySize }) => responseBodySize)
        .catch(() => 0),
    ),
  );
  await page.goto(url);
  await settled(page);
  const wire = async (): Promise<number> => (await Promise.all(finished)).reduce((sum, size) => sum + size, 0);
  return { page, complaints, requests, wire };
}

/** Goes to another address behind the hash within a page that is open. */
export async function visit(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.waitForTimeout(50);
  await settled(page);
}

/** When nothing is loading any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('main > *');
  await page.waitForSelector('.spinner', { state: 'detached' });
}
