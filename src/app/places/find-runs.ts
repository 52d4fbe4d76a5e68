import { isMlopsError, MlopsError, nearest } from '../../base/index.ts';
import { everything, filterText, type Experiment, type Run } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';

/** All experiments that are not deleted. */
export async function activeExperiments(store: TrackingStore): Promise<Experiment[]> {
  return everything((pageToken) => store.searchExperiments({ pageToken }));
}

/**
 * An experiment by its id or name.
 *
 * @throws MlopsError `resource_missing` with the nearest name.
 */
export async function experimentNamed(store: TrackingStore, nameOrId: string): Promise<Experiment> {
  const named = await store.getExperimentByName(nameOrId);
  if (named !== undefined) return named;
  if (/^\d+$/.test(nameOrId)) return store.getExperiment(nameOrId);
  const names = (await activeExperiments(store)).map((experiment) => experiment.name);
  const near = nearest(nameOrId, names);
  throw new MlopsError('resource_missing', `there is no experiment '${nameOrId}'`, {
    hint: near === undefined ? 'see `mlops experiments list`' : `did you mean '${near}'?`,
  });
}

export interface FindRuns {
  /** Name or id; all experiments when left out. */
  readonly experiment?: string | undefined;
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly maxResults: number;
  readonly view?: 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL' | undefined;
  /** Also the runs of single stages and other children. */
  readonly children?: boolean | undefined;
  /** Passes over what no filter can: `tags.x != 'y'` also leaves out runs without the tag. */
  readonly accept?: ((run: Run) => boolean) | undefined;
}

/** Runs of one or all experiments, newest first unless ordered. Without `children`, only those without a parent. */
export async function findRuns(store: TrackingStore, query: FindRuns): Promise<readonly Run[]> {
  const { experiment, filter, orderBy, maxResults, view } = query;
  const experimentIds =
    experiment === undefined
      ? (await everything((pageToken) => store.searchExperiments({ view: 'ALL', pageToken }))).map((one) => one.id)
      : [(await experimentNamed(store, experiment)).id];
  const search = { experimentIds, filter, orderBy, maxResults, view };
  const accept = query.accept ?? (() => true);
  if (query.children === true) return accepted(store, search, accept);
  const both = [filter, `tags.${parent} IS NULL`].filter((part) => part !== undefined && part !== '').join(' AND ');
  try {
    return await accepted(store, { ...search, filter: both }, accept);
  } catch (error) {
    // MLflow's server before 3 cannot ask for what is absent.
    if (store.kind !== 'remote' || !isMlopsError(error, 'invalid_value')) throw error;
    return accepted(store, search, (run) => !run.tags.some(({ key }) => key === parent) && accept(run), 1000);
  }
}

const parent = 'mlflow.parentRunId';

/** Goes through the pages until there are enough; throws what is wrong with the filter itself. */
async function accepted(
  store: TrackingStore,
  search: Parameters<TrackingStore['searchRuns']>[0] & { readonly maxResults: number },
  accept: (run: Run) => boolean,
  pageSize = search.maxResults,
): Promise<Run[]> {
  const found: Run[] = [];
  let pageToken: string | undefined;
  do {
    const page = await store.searchRuns({ ...search, maxResults: pageSize, pageToken });
    found.push(...page.items.filter(accept));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && found.length < search.maxResults);
  return found.slice(0, search.maxResults);
}

/**
 * A run by its id, the beginning of its id, its name, or `latest`.
 *
 * @throws MlopsError `resource_missing` when none fits, `invalid_value` when several do.
 */
export async function runNamed(store: TrackingStore, word: string): Promise<Run> {
  if (/^[0-9a-f]{32}$/.test(word)) return store.getRun(word);
  if (word === 'latest') {
    // A run that only carries a registered model is nobody's last piece of work.
    const isWork = (run: Run): boolean =>
      !run.tags.some(({ key, value }) => key === 'mlops.kind' && value === 'register');
    const [newest] = await findRuns(store, { maxResults: 20, accept: isWork });
    if (newest !== undefined) return newest;
    throw new MlopsError('resource_missing', 'there are no runs yet');
  }
  const byId = /^[0-9a-f]{4,31}$/.test(word) ? await idsBeginning(store, word) : [];
  const found =
    byId.length > 0
      ? byId
      : await findRuns(store, { filter: `run_name = ${filterText(word)}`, maxResults: 5, children: true, view: 'ALL' });
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (only === undefined) {
    throw new MlopsError('resource_missing', `there is no run '${word}'`, { hint: 'see `mlops runs list`' });
  }
  throw new MlopsError('invalid_value', `'${word}' fits several runs`, {
    hint: `name one by its id: ${found.map((run) => run.info.id.slice(0, 8)).join(', ')}`,
  });
}

function idsBeginning(store: TrackingStore, beginning: string): Promise<readonly Run[]> {
  const filter = `attributes.run_id LIKE '${beginning}%'`;
  return findRuns(store, { filter, maxResults: 5, children: true, view: 'ALL' });
}
