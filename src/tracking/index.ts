/**
 * Experiments, runs, logged models, the model registry and artifacts, behind one port.
 *
 * Words: a *kind* of store holds queries; the *rules* of MLflow's server (defaults, names, limits, what may follow
 * what) are applied before the write. *Artifacts* are files, kept by a store of their own.
 * Never: knows a project or a pipeline, or answers HTTP.
 */
export {
  temporaryPrefix,
  type ArtifactFile,
  type ArtifactStore,
  type ByteRange,
  type OpenArtifact,
} from './artifacts/artifact-store.ts';
export { blobRoots } from './artifacts/blob-artifacts.ts';
export { withoutPassword } from './address.ts';
export type { ArtifactSum, ArtifactSums } from './artifact-sums.ts';
export type { AlertStore, StoredAlert, StoredSilence } from './alert-store.ts';
export type { DutyStore } from './duty-store.ts';
export type { EvaluationStore, PageQuery } from './evaluation-store.ts';
export { localRoots, type OpenArtifacts } from './artifacts/roots.ts';
export { onDuty, type Duty, type OnDuty } from './on-duty.ts';
export { openSqlite, openTracking, type OpenTrackingOptions } from './open.ts';
export { schemaReport } from './schema-report.ts';
export { fillDatabase, snapshotDatabase } from './snapshot.ts';
export { canonicalStage, demandsGates, gateTag, meansPromotion, requireGates } from './rules/index.ts';
export type { ImportedVersion, Importer } from './importer.ts';
export type { ExperimentStore, LoggedModelStore, RegistryStore, RunStore, TrackingStore } from './store.ts';
export { versionsOf } from './versions-of.ts';
export type { TraceCorrelation, TraceDeletion, TraceLink, TraceSearch, TraceStore } from './trace-store.ts';
export type { TrafficChange, TrafficCounts, TrafficStore } from './traffic-store.ts';
export { webhookLetter, webhookLetterKind } from './webhook-letter.ts';
export type { NewWebhook, WebhookChange, WebhookStore } from './webhook-store.ts';
export type * from './types.ts';
export { keepLogin } from './remote/logins.ts';
export { studyCalls } from './remote/remote-studies.ts';
