import { get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { colourAt, durationText, timeText } from '../kit/format.ts';
import type { Run } from '../kit/mlflow.ts';
import { Empty, Failure, Loading, Tabs } from '../kit/parts.tsx';
import { href, listIn, setQuery, type Route } from '../kit/route.ts';
import { Boxes } from '../charts/boxes.tsx';
import { Curves } from '../charts/curves.tsx';
import { Parallel } from '../charts/parallel.tsx';
import { Scatter } from '../charts/scatter.tsx';
import { dimensionsOf } from '../charts/dimensions.ts';
import { ValueCell } from '../table/cells.tsx';
import { words } from '../words.ts';

const most = 50;

/** Runs side by side, at MLflow's own address: `#/compare-runs?runs=["a","b"]&experiments=["1"]`. */
export function ComparePage({ route }: { readonly route: Route }) {
  const { query } = route;
  const ids = (listIn(query, 'runs') ?? []).slice(0, most);
  const experiments = listIn(query, 'experiments') ?? [];
  const { data, error } = useAsk(
    ids.length === 0 ? undefined : `compare ${ids.join()} ${experiments.join()}`,
    (signal) => runsOf(ids, signal),
  );
  if (ids.length === 0) return <Empty title={words.compare.title(0)} hint={words.compare.none} />;
  if (error !== undefined && data === undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const tab = query.get('tab') ?? 'table';
  const { tabs } = words.compare;
  const keys = [...new Set(data.flatMap((run) => (run.data.metrics ?? []).map(({ key }) => key)))].toSorted();
  const dimensions = dimensionsOf(data);
  const [experiment = ''] = [...new Set(data.map(({ info }) => info.experiment_id))];
  const hrefOf = (name: string): string => href(['compare-runs'], { ...Object.fromEntries(query), tab: name });
  return (
    <div class="fill">
      <div class="crumbs">
        <a href="#/experiments">{words.experiments.title}</a>
        <a href={href(['experiments', experiment])}>{words.run.facts.experiment}</a>
        <h1>{words.compare.title(data.length)}</h1>
      </div>
      <Tabs
        chosen={tab}
        hrefOf={hrefOf}
        tabs={[
          ['table', tabs.table],
          ['curves', tabs.curves],
          ['parallel', tabs.parallel],
          ['scatter', tabs.scatter],
          ['box', tabs.box],
        ]}
      />
      <div class="page-body">
        {tab === 'table' ? (
          <Differences runs={data} diffOnly={query.get('diff') === '1'} />
        ) : (
          <div class="legend">
            {data.map(({ info }, i) => (
              <a key={info.run_id} href={href(['experiments', info.experiment_id, 'runs', info.run_id])}>
                <span class="swatch" style={{ background: colourAt(i) }} />
                {info.run_name}
              </a>
            ))}
          </div>
        )}
        {tab === 'curves' ? (
          <Curves route={route} runs={data.map(({ info }) => ({ id: info.run_id, name: info.run_name }))} keys={keys} />
        ) : null}
        {tab === 'parallel' ? <Parallel runs={data} dimensions={dimensions} chosen={listIn(query, 'axes')} /> : null}
        {tab === 'scatter' ? <Scatter runs={data} dimensions={dimensions} query={query} /> : null}
        {tab === 'box' ? <Boxes runs={data} dimensions={dimensions} query={query} /> : null}
      </div>
    </div>
  );
}

async function runsOf(ids: readonly string[], signal: AbortSignal): Promise<readonly Run[]> {
  const answers = ids.map((id) => get<{ run: Run }>(`${mlflow}/runs/get`, { run_id: id }, signal));
  return (await Promise.all(answers)).map(({ run }) => run);
}

interface Row {
  readonly key: string;
  readonly values: readonly (string | number | undefined)[];
}

function Differences({ runs, diffOnly }: { readonly runs: readonly Run[]; readonly diffOnly: boolean }) {
  const rowsOf = (kind: 'params' | 'metrics' | 'tags'): Row[] => {
    const keys = [...new Set(runs.flatMap((run) => (run.data[kind] ?? []).map(({ key }) => key)))].toSorted();
    return keys
      .filter((key) => kind !== 'tags' || !key.startsWith('mlflow.'))
      .map((key) => ({ key, values: runs.map((run) => run.data[kind]?.find((one) => one.key === key)?.value) }));
  };
  const { facts } = words.run;
  const about: Row[] = [
    { key: facts.status, values: runs.map(({ info }) => info.status) },
    { key: facts.started, values: runs.map(({ info }) => timeText(info.start_time)) },
    { key: facts.duration, values: runs.map(({ info }) => durationText(info.start_time, info.end_time)) },
  ];
  const section = (title: string, rows: readonly Row[]) => {
    const shown = rows.filter(({ values }) => !diffOnly || values.some((value) => value !== values[0]));
    return shown.length === 0 ? null : (
      <>
        <tr>
          <th colSpan={runs.length + 1} scope="colgroup">
            {title}
          </th>
        </tr>
        {shown.map(({ key, values }) => (
          <tr key={key}>
            <td>{key}</td>
            {values.map((value, i) => (
              <td key={runs[i]?.info.run_id} class={typeof value === 'number' ? 'number' : ''}>
                <ValueCell value={value} base={i === 0 ? undefined : values[0]} />
              </td>
            ))}
          </tr>
        ))}
      </>
    );
  };
  return (
    <>
      <div class="chart-tools">
        <label class="toggle">
          <input
            type="checkbox"
            checked={diffOnly}
            onChange={(event) => setQuery({ diff: event.currentTarget.checked ? '1' : '' })}
          />
          {words.compare.diffOnly}
        </label>
      </div>
      <div class="card">
        <div class="pairs whole" tabIndex={0} role="group" aria-label={words.compare.tabs.table}>
          <table class="plain compare">
            <thead>
              <tr>
                <th />
                {runs.map(({ info }, i) => (
                  <th key={info.run_id}>
                    <span class="swatch inline" style={{ background: colourAt(i) }} />
                    <a href={href(['experiments', info.experiment_id, 'runs', info.run_id])}>{info.run_name}</a>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {section(words.run.tabs.overview, about)}
              {section(words.run.params, rowsOf('params'))}
              {section(words.run.metrics, rowsOf('metrics'))}
              {section(words.run.tags, rowsOf('tags'))}
            </tbody>
          </table>
        </div>
      </div>
    </>
  );
}
