import { useMemo } from 'preact/hooks';

import type { Curve, CurvesAnswer } from '../../api/ui/wire.ts';
import { mlflow, post } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { colourAt, numberText } from '../kit/format.ts';
import { Empty, Failure, Loading } from '../kit/parts.tsx';
import { setQuery, type Route } from '../kit/route.ts';
import { words } from '../words.ts';
import { Plot, type Line } from './plot.tsx';
import { axes, clockText, pointsOf, smooth, type Axis } from './series.ts';

export interface NamedRun {
  readonly id: string;
  readonly name: string;
}

export interface CurvesProps {
  readonly route: Route;
  readonly runs: readonly NamedRun[];
  /** Names of all metrics that may be drawn. */
  readonly keys: readonly string[];
}

const shownAtOnce = 12;

interface View {
  readonly axis: Axis;
  readonly log: boolean;
  readonly weight: number;
  readonly range: readonly [number, number] | undefined;
}

/** Charts of metrics, a page at a time; all have one x axis. The address holds how they are looked at. */
export function Curves({ route, runs, keys }: CurvesProps) {
  const { query } = route;
  const wanted = query.get('metric')?.toLowerCase() ?? '';
  const found = keys.filter((key) => key.toLowerCase().includes(wanted));
  const first = Math.max(0, Math.min(Number(query.get('page') ?? '0') || 0, found.length - 1));
  const shown = found.slice(first, first + shownAtOnce);
  const view: View = {
    axis: axes.find((one) => one === query.get('x')) ?? 'step',
    log: query.get('log') === '1',
    weight: Math.min(Math.max(Number(query.get('smooth') ?? '0') || 0, 0), 0.99),
    range: rangeOf(query.get('zoom')),
  };
  const ids = runs.map(({ id }) => id);
  // The server thins out long curves: of a part of the steps it gives all there are.
  const steps =
    view.axis === 'step' && view.range !== undefined
      ? { start_step: Math.floor(view.range[0]), end_step: Math.ceil(view.range[1]) }
      : {};
  const body = { run_ids: ids, keys: shown, max_points: runs.length > 10 ? 500 : 1000, ...steps };
  const { data, error } = useAsk(shown.length === 0 ? undefined : JSON.stringify(body), (signal) =>
    post<CurvesAnswer>(`${mlflow}/mlops-ui/curves`, body, signal),
  );
  const zoom = (range: readonly [number, number] | undefined): void =>
    setQuery({ zoom: range === undefined ? '' : range.map((value) => Number(value.toPrecision(8))).join('_') });
  return (
    <>
      <ChartTools view={view} wanted={query.get('metric') ?? ''} onReset={() => zoom(undefined)} />
      {found.length <= shownAtOnce ? null : (
        <div class="chart-tools">
          <span class="soft">{words.charts.page(first + 1, first + shown.length, found.length)}</span>
          <button
            class="button small"
            disabled={first === 0}
            onClick={() => setQuery({ page: String(Math.max(0, first - shownAtOnce)) })}
          >
            {words.charts.previous}
          </button>
          <button
            class="button small"
            disabled={first + shownAtOnce >= found.length}
            onClick={() => setQuery({ page: String(first + shownAtOnce) })}
          >
            {words.charts.next}
          </button>
        </div>
      )}
      {charts()}
    </>
  );

  function charts() {
    if (shown.length === 0) return <Empty title={words.charts.none} />;
    if (error !== undefined && data === undefined) return <Failure error={error} />;
    if (data === undefined) return <Loading />;
    return (
      <div class="charts">
        {shown.map((key) => (
          <Chart
            key={key}
            name={key}
            curves={data.curves.filter((curve) => curve.key === key)}
            runs={runs}
            view={view}
            onZoom={zoom}
          />
        ))}
      </div>
    );
  }
}

function ChartTools(props: { readonly view: View; readonly wanted: string; readonly onReset: () => void }) {
  const { axis, log, weight, range } = props.view;
  return (
    <div class="chart-tools">
      <input
        aria-label={words.charts.search}
        placeholder={words.charts.search}
        value={props.wanted}
        onInput={(event) => setQuery({ metric: event.currentTarget.value, page: '' })}
      />
      <label>
        <span class="soft">{words.charts.axis}</span>
        <select value={axis} onChange={(event) => setQuery({ x: event.currentTarget.value, zoom: '' })}>
          {axes.map((one) => (
            <option key={one} value={one}>
              {words.charts.axes[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={log}
          onChange={(event) => setQuery({ log: event.currentTarget.checked ? '1' : '' })}
        />
        {words.charts.log}
      </label>
      <label>
        <span class="soft">{words.charts.smoothing}</span>
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={weight}
          onInput={(event) => setQuery({ smooth: event.currentTarget.value === '0' ? '' : event.currentTarget.value })}
        />
        <output>{weight}</output>
      </label>
      {range === undefined ? (
        <span class="soft wide-only">{words.charts.zoomHint}</span>
      ) : (
        <button class="button small" onClick={props.onReset}>
          {words.charts.reset}
        </button>
      )}
    </div>
  );
}

interface ChartProps {
  readonly name: string;
  readonly curves: readonly Curve[];
  readonly runs: readonly NamedRun[];
  readonly view: View;
  readonly onZoom: (range: readonly [number, number] | undefined) => void;
}

function Chart({ name, curves, runs, view, onZoom }: ChartProps) {
  const { axis, log, weight, range } = view;
  const lines = useMemo(
    () => linesOf(curves, runs, view),
    [curves, axis, weight, range?.[0], range?.[1], runs.map(({ id }) => id).join()],
  );
  const drawable = lines.some(({ y }) => y.some((value) => value !== null));
  const [only] = curves;
  const last = curves.length === 1 ? only?.values.at(-1) : undefined;
  return (
    <section class="chart" aria-label={name}>
      <h3>
        <span>{name}</span>
        <span class="value">{numberText(last)}</span>
      </h3>
      {drawable ? (
        <Plot
          label={words.charts.values(name)}
          lines={lines}
          log={log}
          time={axis === 'time'}
          xText={axis === 'relative' ? clockText : (value) => String(Number(value.toPrecision(8)))}
          sync={`charts-${axis}`}
          onZoom={onZoom}
        />
      ) : (
        <p class="soft">{words.charts.empty}</p>
      )}
    </section>
  );
}

function linesOf(curves: readonly Curve[], runs: readonly NamedRun[], { axis, weight, range }: View): Line[] {
  const faint: Line[] = [];
  const plain: Line[] = [];
  runs.forEach(({ id, name }, i) => {
    const curve = curves.find((one) => one.run_id === id);
    if (curve === undefined) return;
    const { x, y } = pointsOf(curve, axis);
    const colour = colourAt(i);
    if (weight > 0) faint.push(cut({ label: name, colour, x, y, faint: true }, range));
    plain.push(cut({ label: name, colour, x, y: weight > 0 ? smooth(y, weight) : y }, range));
  });
  return [...faint, ...plain];
}

function cut(line: Line, range: readonly [number, number] | undefined): Line {
  if (range === undefined) return line;
  const kept = line.x.map((_, i) => i).filter((i) => (line.x[i] ?? 0) >= range[0] && (line.x[i] ?? 0) <= range[1]);
  return { ...line, x: kept.map((i) => line.x[i] ?? 0), y: kept.map((i) => line.y[i] ?? null) };
}

function rangeOf(text: string | null): readonly [number, number] | undefined {
  const [from, to] = (text ?? '').split('_').map(Number);
  return from !== undefined && to !== undefined && from < to ? [from, to] : undefined;
}
