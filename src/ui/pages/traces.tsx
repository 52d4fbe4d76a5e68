import { useState } from 'preact/hooks';

import { get, mlflow3, post } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { agoText, timeText } from '../kit/format.ts';
import type { Run, TraceInfo } from '../kit/mlflow.ts';
import { Chip, Empty, Failure, Loading } from '../kit/parts.tsx';
import { words } from '../words.ts';

interface Span {
  readonly span_id: string;
  readonly parent_span_id?: string | null;
  readonly name: string;
  readonly start_time_unix_nano: string | number;
  readonly end_time_unix_nano?: string | number;
  readonly status?: { readonly code?: string | number; readonly message?: string };
}

/** The traces that were logged within a run, and the spans of one as a waterfall. */
export function Traces({ run }: { readonly run: Run }) {
  const [open, setOpen] = useState('');
  const { run_id: id, experiment_id: experiment } = run.info;
  const { data, error } = useAsk(`traces ${id}`, (signal) =>
    post<{ traces?: readonly TraceInfo[] }>(
      `${mlflow3}/traces/search`,
      {
        locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }],
        filter: `attributes.run_id = '${id}'`,
        max_results: 100,
      },
      signal,
    ),
  );
  const names = words.run.traces;
  if (error !== undefined && data === undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const traces = data.traces ?? [];
  if (traces.length === 0) return <Empty title={words.run.noTraces} />;
  return (
    <div class="card">
      <div class="pairs">
        <table class="plain">
          <thead>
            <tr>
              <th>{names.id}</th>
              <th>{names.state}</th>
              <th>{names.time}</th>
              <th class="number">{names.took}</th>
              <th class="wide-only">{names.request}</th>
            </tr>
          </thead>
          <tbody>
            {traces.map((trace) => (
              <tr key={trace.trace_id}>
                <td>
                  <button class="link" onClick={() => setOpen(trace.trace_id === open ? '' : trace.trace_id)}>
                    {trace.trace_id}
                  </button>
                </td>
                <td>
                  <Chip text={trace.state} />
                </td>
                <td>
                  <time title={timeText(Date.parse(trace.request_time))}>
                    {agoText(Date.parse(trace.request_time))}
                  </time>
                </td>
                <td class="number">{trace.execution_duration}</td>
                <td class="wide-only wrap">{trace.request_preview?.slice(0, 200)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {open === '' ? null : <Waterfall key={open} id={open} />}
    </div>
  );
}

const listed = 500;

function Waterfall({ id }: { readonly id: string }) {
  const { data, error } = useAsk(`trace ${id}`, (signal) =>
    get<{ trace: { spans?: readonly Span[] } }>(`${mlflow3}/traces/get`, { trace_id: id }, signal),
  );
  if (error !== undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const spans = ordered(data.trace.spans ?? []).slice(0, listed);
  const begin = Math.min(...spans.map(({ span }) => milliseconds(span.start_time_unix_nano)));
  const end = Math.max(...spans.map(({ span }) => milliseconds(span.end_time_unix_nano ?? span.start_time_unix_nano)));
  const whole = Math.max(end - begin, 0.001);
  return (
    <div class="scroll waterfall">
      <table class="plain">
        <tbody>
          {spans.map(({ span, depth }) => {
            const start = milliseconds(span.start_time_unix_nano);
            const took = milliseconds(span.end_time_unix_nano ?? span.start_time_unix_nano) - start;
            const bad = /ERROR|^2$/.test(String(span.status?.code ?? ''));
            return (
              <tr key={span.span_id} title={span.status?.message}>
                <td style={{ paddingLeft: 12 + depth * 16 }}>{span.name}</td>
                <td class="number">{`${took.toFixed(1)} ms`}</td>
                <td class="bars">
                  <span
                    class={bad ? 'bar bad' : 'bar'}
                    style={{ left: `${((start - begin) / whole) * 100}%`, width: `${(took / whole) * 100}%` }}
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function milliseconds(nanoseconds: string | number): number {
  return Number(nanoseconds) / 1e6;
}

/** Children below their parents, by their beginning. A span whose parent is not there is a root. */
function ordered(spans: readonly Span[]): { span: Span; depth: number }[] {
  const ids = new Set(spans.map((span) => span.span_id));
  const children = new Map<string, Span[]>();
  for (const span of spans) {
    const parent = span.parent_span_id ?? '';
    const key = ids.has(parent) ? parent : '';
    children.set(key, [...(children.get(key) ?? []), span]);
  }
  const found: { span: Span; depth: number }[] = [];
  const seen = new Set<string>();
  const visit = (parent: string, depth: number): void => {
    const next = children.get(parent) ?? [];
    for (const span of next.toSorted((a, b) => Number(a.start_time_unix_nano) - Number(b.start_time_unix_nano))) {
      if (seen.has(span.span_id)) continue;
      seen.add(span.span_id);
      found.push({ span, depth });
      visit(span.span_id, depth + 1);
    }
  };
  visit('', 0);
  return found;
}
