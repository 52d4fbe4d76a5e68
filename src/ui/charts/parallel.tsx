import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { numberText } from '../kit/format.ts';
import type { Run } from '../kit/mlflow.ts';
import { setQuery } from '../kit/route.ts';
import { cssColour, useTheme } from '../kit/theme.ts';
import { words } from '../words.ts';
import { spanOf, type Dimension, type Span } from './dimensions.ts';
import { scale, short } from './scatter.tsx';

const height = 420;
const edge = { left: 60, right: 60, top: 40, bottom: 24 };
const usualAxes = 8;

export interface ParallelProps {
  readonly runs: readonly Run[];
  readonly dimensions: readonly Dimension[];
  readonly chosen: readonly string[] | undefined;
}

type Brushes = ReadonlyMap<string, Span>;

/** Parallel coordinates on a canvas: ten thousand runs are one drawing. Dragging along an axis selects. */
export function Parallel({ runs, dimensions, chosen }: ParallelProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [brushes, setBrushes] = useState<Brushes>(new Map());
  const [width, setWidth] = useState(900);
  const drag = useRef<{ readonly axis: Dimension; readonly from: number } | undefined>(undefined);
  const { dark } = useTheme();
  const shown = useMemo(() => axesOf(dimensions, chosen), [dimensions, chosen?.join()]);
  const spans = useMemo(() => shown.map(spanOf), [shown]);
  const places = shown.map(
    (_, i) => edge.left + (i * (width - edge.left - edge.right)) / Math.max(shown.length - 1, 1),
  );
  const scales = spans.map((span) => scale(span, height - edge.bottom, edge.top));
  const inside = runs.map((_, i) =>
    [...brushes].every(([name, { low, high }]) => {
      const value = shown.find((one) => one.name === name)?.values[i];
      return value !== undefined && value >= low && value <= high;
    }),
  );
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(element.clientWidth, 280)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (element === null || context === null || context === undefined) return;
    const ratio = devicePixelRatio;
    element.width = width * ratio;
    element.height = height * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    drawLines(context);
    drawAxes(context);
  });

  function drawLines(context: CanvasRenderingContext2D): void {
    const last = shown.at(-1);
    const colour = last === undefined ? () => 0 : scale(spanOf(last), 0, 1);
    context.lineWidth = runs.length > 500 ? 0.7 : 1.4;
    for (const selected of [false, true]) {
      runs.forEach((_, i) => {
        if ((inside[i] ?? false) !== selected) return;
        const share = last?.values[i];
        context.strokeStyle = selected ? shade(share === undefined ? 0 : colour(share), dark) : cssColour('--line');
        context.beginPath();
        let pen = false;
        shown.forEach((axis, k) => {
          const value = axis.values[i];
          if (value === undefined) pen = false;
          else if (pen) context.lineTo(places[k] ?? 0, scales[k]?.(value) ?? 0);
          else {
            context.moveTo(places[k] ?? 0, scales[k]?.(value) ?? 0);
            pen = true;
          }
        });
        context.stroke();
      });
    }
  }

  function drawAxes(context: CanvasRenderingContext2D): void {
    const [ink, soft, accent] = [cssColour('--ink'), cssColour('--soft'), cssColour('--accent')];
    context.font = '11px system-ui, sans-serif';
    shown.forEach((axis, k) => {
      const x = places[k] ?? 0;
      const span = spans[k] ?? { low: 0, high: 1 };
      context.strokeStyle = soft;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x, edge.top);
      context.lineTo(x, height - edge.bottom);
      context.stroke();
      context.textAlign = k === 0 ? 'left' : k === shown.length - 1 ? 'right' : 'center';
      const at = k === 0 ? 8 : k === shown.length - 1 ? width - 8 : x;
      context.fillStyle = ink;
      context.fillText(short(axis.label), at, 14);
      context.fillStyle = soft;
      if (axis.numeric) {
        context.fillText(numberText(span.high), at, edge.top - 8);
        context.fillText(numberText(span.low), at, height - 8);
      } else {
        axis.categories.slice(0, 12).forEach((text, i) => {
          context.textAlign = 'left';
          context.fillText(short(text), x + 5, (scales[k]?.(i) ?? 0) + 4);
        });
      }
      const brush = brushes.get(axis.name);
      if (brush === undefined) return;
      const [top, bottom] = [scales[k]?.(brush.high) ?? 0, scales[k]?.(brush.low) ?? 0];
      context.fillStyle = `${accent}44`;
      context.fillRect(x - 8, top, 16, bottom - top);
      context.strokeStyle = accent;
      context.strokeRect(x - 8, top, 16, bottom - top);
    });
  }

  const axisAt = (event: PointerEvent): { axis: Dimension; value: number } | undefined => {
    const box = canvas.current?.getBoundingClientRect();
    if (box === undefined) return undefined;
    const x = event.clientX - box.left;
    const k = places.findIndex((place) => Math.abs(place - x) < 22);
    const axis = drag.current?.axis ?? shown[k];
    if (axis === undefined) return undefined;
    const span = spans[shown.indexOf(axis)] ?? { low: 0, high: 1 };
    const share = 1 - (event.clientY - box.top - edge.top) / (height - edge.top - edge.bottom);
    return { axis, value: span.low + Math.min(Math.max(share, -0.02), 1.02) * (span.high - span.low) };
  };
  const onPointerDown = (event: PointerEvent): void => {
    const found = axisAt(event);
    if (found === undefined) return;
    canvas.current?.setPointerCapture(event.pointerId);
    drag.current = { axis: found.axis, from: found.value };
    setBrushes(new Map([...brushes].filter(([name]) => name !== found.axis.name)));
  };
  const onPointerMove = (event: PointerEvent): void => {
    const found = drag.current === undefined ? undefined : axisAt(event);
    if (found === undefined || drag.current === undefined) return;
    const { axis, from } = drag.current;
    const brush = { low: Math.min(from, found.value), high: Math.max(from, found.value) };
    setBrushes(new Map([...brushes, [axis.name, brush]]));
  };

  if (shown.length < 2) return <p class="soft">{words.compare.none2}</p>;
  return (
    <>
      <div class="chart-tools">
        <span>{words.compare.chosen(inside.filter(Boolean).length, runs.length)}</span>
        <span class="soft">{words.compare.brush}</span>
      </div>
      <details class="card">
        <summary>{words.runs.columns}</summary>
        <div class="chart-tools">
          {dimensions.slice(0, 200).map(({ name, label }) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={shown.some((one) => one.name === name)}
                onChange={(event) => {
                  const names = shown.map((one) => one.name);
                  const next = event.currentTarget.checked ? [...names, name] : names.filter((one) => one !== name);
                  setQuery({ axes: JSON.stringify(next) });
                }}
              />
              {label}
            </label>
          ))}
        </div>
      </details>
      <div class="card">
        <canvas
          ref={canvas}
          class="drawing"
          style={{ height }}
          role="img"
          aria-label={words.compare.parallel}
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={() => {
            drag.current = undefined;
          }}
        />
      </div>
      <p class="legend">
        {runs
          .filter((_, i) => inside[i])
          .slice(0, 40)
          .map(({ info }) => (
            <span key={info.run_id} class="badge">
              {info.run_name}
            </span>
          ))}
      </p>
    </>
  );
}

/** Those that were chosen, else those that differ. */
function axesOf(dimensions: readonly Dimension[], chosen: readonly string[] | undefined): Dimension[] {
  if (chosen !== undefined) return chosen.flatMap((name) => dimensions.find((one) => one.name === name) ?? []);
  const differing = dimensions.filter(({ values }) => new Set(values).size > 1);
  const metrics = differing.filter(({ name }) => name.startsWith('metrics.')).slice(0, usualAxes / 2);
  const params = differing.filter(({ name }) => name.startsWith('params.')).slice(0, usualAxes - metrics.length);
  return [...params, ...metrics];
}

/** From blue over violet to orange; told apart by the colour-blind too. */
function shade(share: number, dark: boolean): string {
  const from = dark ? [86, 180, 233] : [0, 90, 178];
  const to = dark ? [255, 176, 60] : [213, 94, 0];
  const mix = from.map((value, i) => Math.round(value + ((to[i] ?? 0) - value) * share));
  return `rgb(${mix.join(' ')} / 0.8)`;
}
