import { colourAt, numberText } from '../kit/format.ts';
import { setQuery } from '../kit/route.ts';
import { words } from '../words.ts';
import { boxOf } from './box.ts';
import { Choose } from './choose.tsx';
import { spanOf, usualPair } from './dimensions.ts';
import { marksOf, scale, short, type ByQuery } from './scatter.tsx';

const height = 420;
const edge = { left: 90, right: 20, top: 16, bottom: 40 };
const mostGroups = 30;

/** How a metric is spread for each value of a param. */
export function Boxes({ runs, dimensions, query }: ByQuery) {
  const usual = usualPair(dimensions);
  const by = dimensions.find(({ name }) => name === (query.get('bx') ?? usual.x)) ?? dimensions[0];
  const of = dimensions.find(({ name }) => name === (query.get('by') ?? usual.y)) ?? dimensions.at(-1);
  if (by === undefined || of === undefined) return <p class="soft">{words.compare.none2}</p>;
  const groups = new Map<string, number[]>();
  runs.forEach((_, i) => {
    const value = of.values[i];
    const name = by.texts[i] ?? '–';
    if (value !== undefined) groups.set(name, [...(groups.get(name) ?? []), value]);
  });
  const sorted = [...groups].toSorted(([a], [b]) => compare(a, b)).slice(0, mostGroups);
  const width = Math.max(600, edge.left + edge.right + sorted.length * 90);
  const span = spanOf(of);
  const atY = scale(span, height - edge.bottom, edge.top);
  const slot = (width - edge.left - edge.right) / Math.max(sorted.length, 1);
  return (
    <>
      <div class="chart-tools">
        <Choose label={words.compare.by} value={by.name} dimensions={dimensions} onChange={(bx) => setQuery({ bx })} />
        <Choose
          label={words.compare.y}
          value={of.name}
          dimensions={dimensions.filter(({ numeric }) => numeric)}
          onChange={(name) => setQuery({ by: name })}
        />
      </div>
      <div class="card">
        <svg
          class="drawing"
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={words.compare.scatter(by.label, of.label)}
        >
          {marksOf(of, span).map(({ value, text }) => (
            <g key={value}>
              <line class="axis" x1={edge.left} x2={width - edge.right} y1={atY(value)} y2={atY(value)} />
              <text x={edge.left - 8} y={atY(value) + 4} text-anchor="end">
                {text}
              </text>
            </g>
          ))}
          {sorted.map(([name, values], i) => {
            const box = boxOf(values);
            const middle = edge.left + slot * (i + 0.5);
            const half = Math.min(slot * 0.28, 34);
            const colour = colourAt(i);
            return (
              <g key={name} stroke={colour} fill="none" stroke-width="1.5">
                <title>{`${name}: ${values.length}, ${numberText(box.middle)}`}</title>
                <line x1={middle} x2={middle} y1={atY(box.low)} y2={atY(box.first)} />
                <line x1={middle} x2={middle} y1={atY(box.third)} y2={atY(box.high)} />
                <rect
                  x={middle - half}
                  width={half * 2}
                  y={atY(box.third)}
                  height={Math.max(atY(box.first) - atY(box.third), 1)}
                  fill={colour}
                  fill-opacity="0.16"
                  rx="3"
                />
                <line
                  x1={middle - half}
                  x2={middle + half}
                  y1={atY(box.middle)}
                  y2={atY(box.middle)}
                  stroke-width="2.5"
                />
                {box.outliers.map((value) => (
                  <circle key={value} cx={middle} cy={atY(value)} r="3" />
                ))}
                <text stroke="none" x={middle} y={height - edge.bottom + 16} text-anchor="middle">
                  {short(name)}
                </text>
              </g>
            );
          })}
          <text x={14} y={edge.top + 4}>
            {of.label}
          </text>
          <text x={(edge.left + width) / 2} y={height - 6} text-anchor="middle">
            {by.label}
          </text>
        </svg>
      </div>
    </>
  );
}

function compare(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? (a < b ? -1 : 1) : difference;
}
