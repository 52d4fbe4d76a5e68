import * as fs from 'node:fs';
import * as path from 'node:path';

import type { Shell } from '../../http/index.ts';

const files: Readonly<Record<string, string>> = {
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
};

/** Nothing may come from elsewhere or stand in the page itself; pictures are shown from memory. */
const policy = [
  ...[
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
  ],
  ...["base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"],
].join('; ');

/** `/playground`: a page with a form for each model, made from what `/models/info` says. */
export function addPlaygroundRoutes(shell: Shell): void {
  shell.get('/playground', async (_request, reply) => {
    const page = await read('page.html');
    return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page);
  });
  for (const [name, type] of Object.entries(files)) {
    shell.get(`/playground/${name}`, async (_request, reply) => reply.type(type).send(await read(name)));
  }
}

/** In `dist` as in the sources the files lie one folder up. */
function read(name: string): Promise<Buffer> {
  return fs.promises.readFile(path.join(import.meta.dirname, '..', 'playground', name));
}
