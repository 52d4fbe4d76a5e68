/**
 * All tables that hold data, the referred ones first: a whole store is copied table by table between kinds, because
 * their tables have the same names and columns. `serial` is the column that counts by itself. What waits to be delivered
 * stays behind: a copy would deliver it once more.
 */
export const tables: readonly { readonly name: string; readonly serial?: string }[] = [
  { name: 'keys', serial: 'id' },
  { name: 'experiments' },
  { name: 'experiment_tags' },
  { name: 'runs', serial: 'n' },
  { name: 'metrics' },
  { name: 'latest' },
  { name: 'params' },
  { name: 'tags' },
  { name: 'datasets', serial: 'id' },
  { name: 'run_datasets', serial: 'id' },
  { name: 'run_dataset_tags' },
  { name: 'run_models' },
  { name: 'logged_models', serial: 'n' },
  { name: 'logged_model_params' },
  { name: 'logged_model_tags' },
  { name: 'logged_model_metrics' },
  { name: 'registered_models' },
  { name: 'registered_model_tags' },
  { name: 'model_versions' },
  { name: 'model_version_tags' },
  { name: 'model_aliases' },
  { name: 'promotions', serial: 'n' },
  { name: 'traces', serial: 'n' },
  { name: 'trace_tags' },
  { name: 'trace_metadata' },
  { name: 'trace_assessments' },
  { name: 'trace_spans' },
  { name: 'trace_links' },
  { name: 'webhooks', serial: 'n' },
  { name: 'studies', serial: 'n' },
  { name: 'trials' },
  { name: 'alerts' },
  { name: 'silences' },
  { name: 'traffic', serial: 'n' },
  { name: 'traffic_counts' },
];

/** Tables whose rows keep the order in which they came. */
export const ordered: ReadonlySet<string> = new Set(['trace_assessments', 'trace_spans']);
