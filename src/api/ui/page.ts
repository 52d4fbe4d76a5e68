import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { mlflowErrorBody, type Reply, type Request, type Shell } from '../../http/index.ts';
import { readArtifactName, readQuery } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { openNamed } from '../named-artifacts.ts';
import { runIdOf } from '../runs.ts';
import { addLive } from './live.ts';
import { uiOpenApi } from './openapi.ts';

/** Nothing inline, nothing from elsewhere, and no text that becomes markup or code. */
const policy = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "connect-src 'self'", "frame-src 'self'"],
  ...["media-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'self'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

/** A page that somebody logged: it is shown, but it runs nothing, loads nothing and has no origin. */
const guestPolicy =
  "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; frame-ancestors 'self'";
const largestGuest = 20 * 1024 * 1024;

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

export interface WebUiOptions {
  readonly store: TrackingStore;
  readonly prefix?: string | undefined;
}

/** The pages in the browser: one document, its files, the news, and logged pages behind glass. */
export function registerWebUi(shell: Shell, { store, prefix = '' }: WebUiOptions): void {
  const config = { scope: 'read', errors: ({ message }: { message: string }) => message } as const;
  for (const url of prefix === '' ? ['/'] : [prefix, `${prefix}/`]) {
    shell.get(url, { config }, (_request, reply) => sendDocument(reply, prefix));
  }
  // Addresses of the time when each page had a path of its own: the document knows what they have become.
  for (const old of ['/experiments/*', '/models', '/models/*']) {
    shell.get(`${prefix}${old}`, { config }, (_request, reply) => sendDocument(reply, prefix));
  }
  shell.get(`${prefix}/ajax-api/2.0/mlflow/mlops-ui/openapi.json`, { config }, () => uiOpenApi(prefix));
  addFiles(shell, prefix);
  addLive(shell, prefix);
  addGuests(shell, prefix, store);
}

/**
 * What a person sees at an address that leads nowhere; programs get JSON.
 *
 * @returns the answer to unknown addresses for `createShell`.
 */
export function wrongAddress(prefix = ''): (request: Request, reply: Reply) => Reply | undefined {
  return (request, reply) => {
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    return wantsPage ? sendDocument(reply.code(404), prefix) : undefined;
  };
}

function sendDocument(reply: Reply, prefix: string): Reply {
  const text = fs.readFileSync(path.join(uiFolder(), 'index.html'), 'utf8').replaceAll('{prefix}', prefix);
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    })
    .send(text);
}

/** Files have their digest in their names: a browser asks for each once. */
function addFiles(shell: Shell, prefix: string): void {
  shell.get(`${prefix}/static/ui/:name`, async (request, reply) => {
    const { name = '' } = request.params as Record<string, string>;
    const type = types[path.extname(name)];
    const file = path.join(uiFolder(), name);
    if (type === undefined || !/^[\w.-]+$/.test(name) || !fs.existsSync(file)) {
      throw new MlopsError('no_such_route', `there is no ${name.slice(0, 100)} here`);
    }
    const accepted = (request.headers['accept-encoding'] ?? '').split(/[\s,;]+/);
    const packed = [
      ['br', 'br'],
      ['gzip', 'gz'],
    ].find(([encoding = '', ending = '']) => accepted.includes(encoding) && fs.existsSync(`${file}.${ending}`));
    void reply.headers({
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
      ...(packed === undefined ? {} : { 'content-encoding': packed[0] }),
    });
    return reply.send(await fs.promises.readFile(packed === undefined ? file : `${file}.${packed[1]}`));
  });
}

function addGuests(shell: Shell, prefix: string, store: TrackingStore): void {
  const options = { config: { scope: 'read', errors: mlflowErrorBody }, exposeHeadRoute: false } as const;
  shell.get(`${prefix}/ajax-api/2.0/mlflow/mlops-ui/page`, options, async (request, reply) => {
    const fields = readQuery(request.query as Record<string, unknown>);
    const name = readArtifactName(fields.need('path'));
    const { info } = await store.getRun(runIdOf(fields));
    const { opened } = await openNamed(store.artifacts(info.artifactUri), name);
    if (opened.size > largestGuest) {
      opened.stream.destroy();
      throw new MlopsError('invalid_value', 'this page is too large to be shown here');
    }
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': guestPolicy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-length': String(opened.size),
      })
      .send(opened.stream);
  });
}

/** In `dist` the files lie beside the code; from source they are where the build put them. */
function uiFolder(): string {
  const built = path.join(import.meta.dirname, '..', 'ui');
  if (fs.existsSync(path.join(built, 'index.html'))) return built;
  return path.join(import.meta.dirname, '..', '..', '..', 'dist', 'ui');
}
