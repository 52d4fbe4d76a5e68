import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { get, mlflow, prefix } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import type { Experiment } from '../kit/mlflow.ts';
import { Empty, Failure, Loading } from '../kit/parts.tsx';
import { listIn, type Route } from '../kit/route.ts';
import { words } from '../words.ts';
import { ExperimentsPage } from './experiments.tsx';
import { RunsPage } from './runs.tsx';

/** Pages that are loaded when they are first opened. */
const later = {
  run: async () => (await import('./run.tsx')).RunPage,
  compare: async () => (await import('./compare.tsx')).ComparePage,
  models: async () => (await import('./models.tsx')).ModelsPage,
  model: async () => (await import('./model.tsx')).ModelPage,
  loggedModel: async () => (await import('./logged-model.tsx')).LoggedModelPage,
};

type LaterPage = ComponentType<{ readonly route: Route }>;

function Later({ name, route }: { readonly name: keyof typeof later; readonly route: Route }) {
  const [page, setPage] = useState<{ readonly name: string; readonly Component: LaterPage }>();
  const { error } = useAsk(`page ${name}`, async () => {
    const Component = await later[name]();
    setPage({ name, Component });
    return name;
  });
  if (page?.name === name) return <page.Component route={route} />;
  return error === undefined ? <Loading /> : <Failure error={error} />;
}

/** The page of an address: MLflow's addresses, and wrong ones too. */
export function Page({ route }: { readonly route: Route }) {
  const { parts, query } = route;
  const [first, second, third, fourth] = parts;
  useEffect(() => {
    document.title = `${[...parts].reverse().join(' · ') || words.product} · ${words.product}`;
  }, [parts.join('/')]);
  if (first === undefined) return isHere() ? <ExperimentsPage route={route} /> : <WrongAddress />;
  if (first === 'experiments') {
    if (second === undefined) {
      const ids = listIn(query, 'ids');
      return ids === undefined ? <ExperimentsPage route={route} /> : <RunsPage route={route} ids={ids} />;
    }
    if (third === 'runs' && fourth !== undefined) return <Later name="run" route={route} />;
    if (third === 'models' && fourth !== undefined) return <Later name="loggedModel" route={route} />;
    // MLflow's tabs of an experiment (runs, models, traces, ...) all show its runs here.
    return <ExperimentRuns route={route} id={second} />;
  }
  if (first === 'compare-experiments') return <RunsPage route={route} ids={comparedExperiments(route)} />;
  if (first === 'compare-runs') return <Later name="compare" route={route} />;
  if (first === 'models') return <Later name={second === undefined ? 'models' : 'model'} route={route} />;
  return <WrongAddress />;
}

function isHere(): boolean {
  return location.pathname === `${prefix}/` || location.pathname === prefix;
}

/** MLflow writes `#/compare-experiments/s?experiments=["1","2"]`. */
function comparedExperiments({ query }: Route): readonly string[] {
  return listIn(query, 'experiments') ?? [];
}

function ExperimentRuns({ route, id }: { readonly route: Route; readonly id: string }) {
  const { data, error } = useAsk(`experiment ${id}`, (signal) =>
    get<{ experiment: Experiment }>(`${mlflow}/experiments/get`, { experiment_id: id }, signal),
  );
  if (error !== undefined && data === undefined) return <Failure error={error} />;
  return (
    <>
      <div class="crumbs">
        <a href="#/experiments">{words.experiments.title}</a>
        <h1>{data?.experiment.name ?? ' '}</h1>
        {data?.experiment.lifecycle_stage === 'deleted' ? <span class="badge">{words.run.deleted}</span> : null}
      </div>
      <RunsPage key={id} route={route} ids={[id]} />
    </>
  );
}

function WrongAddress() {
  return (
    <Empty title={words.states.wrongAddress} hint={words.states.wrongAddressHint}>
      <a class="button" href={`${prefix}/#/experiments`}>
        {words.states.home}
      </a>
    </Empty>
  );
}
