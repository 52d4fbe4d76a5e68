import type { Failure, Reply, Shell } from '../../http/index.ts';
import { readArtifactName, readQuery } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { experimentPage, experimentsPage } from './experiment-pages.ts';
import { html } from './html.ts';
import { page } from './layout.ts';
import { modelPage, modelsPage } from './model-pages.ts';
import { runPage } from './run-page.ts';
import { hashScript, style } from './style.ts';

const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

export interface PagesOptions {
  readonly store: TrackingStore;
  readonly prefix?: string | undefined;
}

/** Pages made on the server: experiments, runs, models, and one of each. */
export function registerPages(shell: Shell, { store, prefix = '' }: PagesOptions): void {
  type Make = (fields: ReturnType<typeof readQuery>, params: Readonly<Record<string, string>>) => Promise<string>;
  const errors = (failure: Failure): string => `${failure.status}: ${failure.message}`;
  const show = (url: string, make: Make): void => {
    shell.get(`${prefix}${url}`, { config: { scope: 'read', errors } }, async (request, reply) => {
      const fields = readQuery(request.query as Record<string, unknown>);
      return send(reply, await make(fields, request.params as Record<string, string>));
    });
  };
  show('/', (fields) => experimentsPage(store, prefix, fields.filled('page')));
  if (prefix !== '') show('', (fields) => experimentsPage(store, prefix, fields.filled('page')));
  show('/experiments/:id', (fields, { id = '' }) =>
    experimentPage(store, prefix, id, {
      filter: fields.text('filter') ?? '',
      orderBy: fields.text('order_by') ?? '',
      token: fields.filled('page'),
    }),
  );
  show('/experiments/:id/runs/:run', (fields, { run = '' }) =>
    runPage(store, prefix, run, readArtifactName(fields.text('path') ?? '').stored),
  );
  show('/models', (fields) => modelsPage(store, prefix, fields.filled('page')));
  show('/models/:name', (_, { name = '' }) => modelPage(store, prefix, name));
  // MLflow's addresses of a version and of an experiment's models lead to the nearest page.
  show('/models/:name/versions/:version', (_, { name = '' }) => modelPage(store, prefix, name));
  show('/experiments/:id/models/:model', async (_, { model = '' }) => {
    const { name, artifactUri, status } = await store.getLoggedModel(model);
    const body = html`<p><code>${model}</code> ${status}</p>
      <p><code>${artifactUri}</code></p>`;
    return page({ title: name, section: 'experiments', prefix, crumbs: [['Experiments', '/']], body });
  });
  addStatic(shell, `${prefix}/static/style.css`, 'text/css; charset=utf-8', style);
  addStatic(shell, `${prefix}/static/hash.js`, 'text/javascript; charset=utf-8', hashScript);
}

function addStatic(shell: Shell, url: string, type: string, text: string): void {
  shell.get(url, (_, reply) => reply.headers({ 'content-type': type, 'cache-control': 'max-age=300' }).send(text));
}

function send(reply: Reply, text: string): Reply {
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
    })
    .send(text);
}
