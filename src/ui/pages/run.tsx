import { get, mlflow, post } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import type { Run } from '../kit/mlflow.ts';
import { act, say } from '../kit/overlays.tsx';
import { Chip, Failure, Loading, Tabs } from '../kit/parts.tsx';
import { href, type Route } from '../kit/route.ts';
import { Curves } from '../charts/curves.tsx';
import { words } from '../words.ts';
import { Artifacts } from './artifacts.tsx';
import { Overview } from './run-overview.tsx';
import { Traces } from './traces.tsx';

const systemPrefix = 'system/';

/** MLflow's names of the tabs in addresses. */
const tabNames: Readonly<Record<string, string>> = {
  'model-metrics': 'metrics',
  metrics: 'metrics',
  'system-metrics': 'system',
  artifacts: 'artifacts',
  traces: 'traces',
};
const addresses: Readonly<Record<string, readonly string[]>> = {
  overview: [],
  metrics: ['model-metrics'],
  system: ['system-metrics'],
  artifacts: ['artifacts'],
  traces: ['traces'],
};

/** One run: what it was given, what came out, and how it went. */
export function RunPage({ route }: { readonly route: Route }) {
  const [, experiment = '', , id = '', tabName = ''] = route.parts;
  const { data, error } = useAsk(`run ${id}`, (signal) =>
    get<{ run: Run }>(`${mlflow}/runs/get`, { run_id: id }, signal),
  );
  if (error !== undefined && data === undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const { run } = data;
  const tab = tabNames[tabName] ?? 'overview';
  const keys = (run.data.metrics ?? []).map(({ key }) => key).toSorted();
  const own = keys.filter((key) => !key.startsWith(systemPrefix));
  const system = keys.filter((key) => key.startsWith(systemPrefix));
  const { tabs } = words.run;
  const named = [{ id, name: run.info.run_name }];
  const deleted = run.info.lifecycle_stage === 'deleted';
  const remove = async (): Promise<void> => {
    const change = (verb: string) => async () => void (await post(`${mlflow}/runs/${verb}`, { run_id: id }));
    if (deleted) await act(change('restore'));
    else if (await act(change('delete'))) say(words.runs.wasDeleted(1), { undo: change('restore') });
  };
  return (
    <div class="fill">
      <div class="crumbs">
        <a href="#/experiments">{words.experiments.title}</a>
        <a href={href(['experiments', experiment])}>{words.run.facts.experiment}</a>
        <h1>{run.info.run_name}</h1>
        <Chip text={run.info.status} />
        {deleted ? <span class="badge">{words.run.deleted}</span> : null}
        <span class="grow" />
        <button class={deleted ? 'button small' : 'button small danger'} onClick={() => void remove()}>
          {deleted ? words.runs.actions.restore : words.runs.actions.delete}
        </button>
      </div>
      <Tabs
        chosen={tab}
        hrefOf={(name) => href(['experiments', experiment, 'runs', id, ...(addresses[name] ?? [])])}
        tabs={[
          ['overview', tabs.overview],
          ['metrics', tabs.metrics, own.length],
          ...(system.length === 0 ? [] : ([['system', tabs.system, system.length]] as const)),
          ['artifacts', tabs.artifacts],
          ['traces', tabs.traces],
        ]}
      />
      <div class="page-body">
        {tab === 'overview' ? <Overview run={run} /> : null}
        {tab === 'metrics' ? <Curves key="own" route={route} runs={named} keys={own} /> : null}
        {tab === 'system' ? <Curves key="system" route={route} runs={named} keys={system} /> : null}
        {tab === 'artifacts' ? <Artifacts route={route} run={run} /> : null}
        {tab === 'traces' ? <Traces run={run} /> : null}
      </div>
    </div>
  );
}
