import uPlot from 'uplot';
import { useEffect, useRef } from 'preact/hooks';

import { numberText } from '../kit/format.ts';
import { cssColour, useTheme } from '../kit/theme.ts';

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  /** Behind the others, without a place in the tip. */
  readonly faint?: boolean;
}

export interface PlotProps {
  readonly label: string;
  readonly lines: readonly Line[];
  readonly log: boolean;
  readonly time: boolean;
  readonly xText: (value: number) => string;
  /** Plots with one name show their cursors together. */
  readonly sync: string;
  readonly tall?: boolean;
  /** A part of the x axis was chosen; undefined: all of it. */
  readonly onZoom: (range: readonly [number, number] | undefined) => void;
}

/** Lines over one axis with a tip at the cursor. Dragging zooms. */
export function Plot(props: PlotProps) {
  const { lines, log, time, sync, tall = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot | undefined>(undefined);
  const { dark } = useTheme();
  const shape = JSON.stringify([lines.map(({ label, colour, faint }) => [label, colour, faint]), log, time, dark]);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    const options = optionsOf(element, latest, tip);
    const made = new uPlot(options, dataOf(latest.current.lines, log), element);
    made.over.append(tip);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(sizeOf(element)));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, sync]);
  useEffect(() => {
    plot.current?.setData(dataOf(lines, log));
  }, [lines, log]);
  return <div class={tall ? 'plot tall' : 'plot'} ref={place} role="img" aria-label={props.label} />;
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: Math.max(element.clientWidth, 80), height: Math.max(element.clientHeight, 80) };
}

type Latest = { readonly current: PlotProps };

function optionsOf(element: HTMLElement, latest: Latest, tip: HTMLElement): uPlot.Options {
  const { lines, log, time, sync } = latest.current;
  const axis: uPlot.Axis = {
    stroke: cssColour('--soft'),
    grid: { stroke: cssColour('--line'), width: 1 },
    ticks: { stroke: cssColour('--line'), width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
  };
  return {
    ...sizeOf(element),
    legend: { show: false },
    cursor: {
      sync: { key: sync, scales: ['x', null], setSeries: false },
      points: { size: 6 },
      drag: { x: true, y: false, setScale: false },
      focus: { prox: 24 },
    },
    focus: { alpha: 0.35 },
    scales: { x: { time }, y: log ? { distr: 3 } : {} },
    axes: [
      {
        ...axis,
        size: 26,
        ...(time ? {} : { values: (_, values) => values.map((value) => latest.current.xText(value)) }),
      },
      { ...axis, size: 58, values: (_, values) => values.map((value) => numberText(value)) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour, faint = false }): uPlot.Series => ({
        label,
        stroke: faint ? `${colour}55` : colour,
        width: faint ? 1 : 1.75,
        spanGaps: true,
        points: { show: false },
      })),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const from = plot.posToVal(plot.select.left, 'x');
          const to = plot.posToVal(plot.select.left + plot.select.width, 'x');
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom([from, to]);
        },
      ],
      ready: [(plot) => plot.over.addEventListener('dblclick', () => latest.current.onZoom(undefined))],
      setCursor: [(plot) => showTip(plot, latest.current, tip)],
    },
  };
}

const listed = 8;

function showTip(plot: uPlot, { lines, xText, time }: PlotProps, tip: HTMLElement): void {
  const { left = -1, top = 0, idx } = plot.cursor;
  if (left < 0 || idx === null || idx === undefined) {
    tip.hidden = true;
    return;
  }
  const at = plot.data[0][idx] ?? 0;
  const rows = lines
    .flatMap((line, i) => {
      const value = nearest(plot.data[i + 1], idx);
      return line.faint === true || value === undefined ? [] : [{ line, value }];
    })
    .toSorted((a, b) => b.value - a.value)
    .slice(0, listed)
    .map(({ line, value }) => {
      const row = document.createElement('div');
      const swatch = document.createElement('span');
      swatch.className = 'swatch';
      swatch.style.background = line.colour;
      row.append(swatch, span(line.label), span(numberText(value)));
      return row;
    });
  const head = document.createElement('strong');
  head.textContent = time ? new Date(at * 1000).toLocaleString('en') : xText(at);
  tip.replaceChildren(head, ...rows);
  tip.hidden = rows.length === 0;
  const right = left > plot.over.clientWidth / 2;
  tip.style.left = right ? '' : `${left + 12}px`;
  tip.style.right = right ? `${plot.over.clientWidth - left + 12}px` : '';
  tip.style.top = `${Math.max(0, Math.min(top, plot.over.clientHeight - 60))}px`;
}

function span(text: string): HTMLElement {
  const made = document.createElement('span');
  made.textContent = text;
  return made;
}

/** Curves have points at steps of their own: the last one before the cursor counts. */
function nearest(values: uPlot.AlignedData[number] | undefined, at: number): number | undefined {
  for (let i = at; i >= 0 && i > at - 50; i--) {
    const value = values?.[i];
    if (typeof value === 'number') return value;
  }
  return undefined;
}

/** All lines over the x values of any; what a log scale cannot show is left out. */
function dataOf(lines: readonly Line[], log: boolean): uPlot.AlignedData {
  const keep = (value: number | null): number | null => (value === null || (log && value <= 0) ? null : value);
  if (lines.length === 0) return [[]];
  return uPlot.join(lines.map(({ x, y }) => [[...x], y.map(keep)] as uPlot.AlignedData));
}
