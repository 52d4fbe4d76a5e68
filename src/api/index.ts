/**
 * MLflow's REST protocol over a tracking store.
 *
 * Words: a *route* reads *fields* (of a body or a query) and gives JSON; a *page* of the web UI reads the same store.
 * Never: stores anything itself, or calls an inner address for a webhook.
 */
export { hostGuard, type HostGuardOptions } from './host-guard.ts';
export { addAccess, type AccessOptions } from './access/access.ts';
export { guardedStore } from './access/guarded-store.ts';
export { addPredictionRoutes } from './predictions.ts';
export { registerWebUi, wrongAddress, type WebUiOptions } from './ui/page.ts';
export { tidyTarget } from './route.ts';
export { registerMlflowApi, type MlflowApiOptions } from './register.ts';
export type { ArtifactLimits } from './checked-artifacts.ts';
export type { DeliveryOptions } from './webhooks/deliver.ts';
