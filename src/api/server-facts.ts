import type { Shell } from '../http/index.ts';

/** The MLflow release whose protocol is spoken; clients ask for it to choose between old and new calls. */
export const protocolVersion = '3.17.2';

/** `/health`, `/version` and what a client asks about the server before it moves files. */
export function addServerFacts(shell: Shell, prefix: string): void {
  const plain = { config: { scope: 'public' } } as const;
  shell.get(`${prefix}/health`, plain, (_, reply) => reply.type('text/plain; charset=utf-8').send('OK'));
  shell.get(`${prefix}/version`, plain, (_, reply) => reply.type('text/plain; charset=utf-8').send(protocolVersion));
  const facts = JSON.stringify({
    store_type: 'SqlStore',
    workspaces_enabled: false,
    multipart_uploads_enabled: false,
    multipart_downloads_enabled: false,
    trace_archival_enabled: false,
    features_enabled: [],
  });
  for (const root of ['api', 'ajax-api']) {
    shell.get(`${prefix}/${root}/3.0/mlflow/server-info`, plain, (_, reply) =>
      reply.header('content-type', 'application/json').send(facts),
    );
  }
}
