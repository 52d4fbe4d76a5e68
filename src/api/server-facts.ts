import { isMlopsError, type MlopsError } from '../base/index.ts';
import type { Shell } from '../http/index.ts';
import type { TrackingStore } from '../tracking/index.ts';

/** The MLflow release whose protocol is spoken; clients ask for it to choose between old and new calls. */
export const protocolVersion = '3.17.2';

/** `/health`, `/version` and what a client asks about the server before it moves files: with `direct` past this server. */
export function addServerFacts(shell: Shell, prefix: string, store: TrackingStore, direct: boolean): void {
  const plain = { config: { scope: 'public' } } as const;
  shell.get(`${prefix}/health`, plain, (_, reply) => {
    const trouble = troubleOf(store);
    return reply
      .code(trouble?.httpStatus ?? 200)
      .type('text/plain; charset=utf-8')
      .send(trouble?.message ?? 'OK');
  });
  shell.get(`${prefix}/version`, plain, (_, reply) => reply.type('text/plain; charset=utf-8').send(protocolVersion));
  const facts = JSON.stringify({
    store_type: 'SqlStore',
    workspaces_enabled: false,
    multipart_uploads_enabled: direct,
    multipart_downloads_enabled: direct,
    trace_archival_enabled: false,
    features_enabled: { gateway: false },
    presigned_upload_run_id_supported: true,
    presigned_upload_model_id_supported: true,
  });
  for (const root of ['api', 'ajax-api']) {
    shell.get(`${prefix}/${root}/3.0/mlflow/server-info`, plain, (_, reply) =>
      reply.header('content-type', 'application/json').send(facts),
    );
  }
  // Nothing is told about its users to anybody: pages that ask may stop asking.
  const telemetry = `${prefix}/ajax-api/3.0/mlflow/ui-telemetry`;
  const none = { disable_ui_events: [], disable_ui_telemetry: true, ui_rollout_percentage: 0 };
  shell.get(telemetry, plain, (_, reply) =>
    reply.header('content-type', 'application/json').send(JSON.stringify(none)),
  );
  shell.post(telemetry, plain, (_, reply) =>
    reply.header('content-type', 'application/json').send('{"status":"disabled"}'),
  );
}

/** Why the store cannot keep anything at the moment. */
function troubleOf(store: TrackingStore): MlopsError | undefined {
  try {
    store.checkHere?.();
    return undefined;
  } catch (error) {
    if (isMlopsError(error)) return error;
    throw error;
  }
}
