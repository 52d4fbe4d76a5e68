/** MLflow's REST protocol over a tracking store. */
export { hostGuard, type HostGuardOptions } from './host-guard.ts';
export { registerPages, type PagesOptions } from './pages/register.ts';
export { tidyTarget } from './route.ts';
export { registerMlflowApi, type MlflowApiOptions } from './register.ts';
export type { DeliveryOptions } from './webhooks/deliver.ts';
