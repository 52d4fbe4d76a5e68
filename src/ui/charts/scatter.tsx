import { colourAt, numberText } from '../kit/format.ts';
import type { Run } from '../kit/mlflow.ts';
import { href, setQuery } from '../kit/route.ts';
import { words } from '../words.ts';
import { Choose } from './choose.tsx';
import { spanOf, ticksOf, usualPair, type Dimension, type Span } from './dimensions.ts';

const width = 900;
const height = 460;
const edge = { left: 90, right: 20, top: 16, bottom: 44 };

export interface ByQuery {
  readonly runs: readonly Run[];
  readonly dimensions: readonly Dimension[];
  readonly query: URLSearchParams;
}

/** One point a run; a point is a link. */
export function Scatter({ runs, dimensions, query }: ByQuery) {
  const usual = usualPair(dimensions);
  const x = dimensions.find(({ name }) => name === (query.get('sx') ?? usual.x)) ?? dimensions[0];
  const y = dimensions.find(({ name }) => name === (query.get('sy') ?? usual.y)) ?? dimensions.at(-1);
  if (x === undefined || y === undefined) return <p class="soft">{words.compare.none2}</p>;
  const [spanX, spanY] = [spanOf(x), spanOf(y)];
  const atX = scale(spanX, edge.left, width - edge.right);
  const atY = scale(spanY, height - edge.bottom, edge.top);
  return (
    <>
      <div class="chart-tools">
        <Choose label={words.compare.x} value={x.name} dimensions={dimensions} onChange={(sx) => setQuery({ sx })} />
        <Choose label={words.compare.y} value={y.name} dimensions={dimensions} onChange={(sy) => setQuery({ sy })} />
      </div>
      <div class="card">
        <svg
          class="drawing"
          viewBox={`0 0 ${width} ${height}`}
          role="group"
          aria-label={words.compare.scatter(x.label, y.label)}
        >
          {marksOf(x, spanX).map(({ value, text }) => (
            <g key={`x${value}`}>
              <line class="axis" x1={atX(value)} x2={atX(value)} y1={edge.top} y2={height - edge.bottom} />
              <text x={atX(value)} y={height - edge.bottom + 16} text-anchor="middle">
                {text}
              </text>
            </g>
          ))}
          {marksOf(y, spanY).map(({ value, text }) => (
            <g key={`y${value}`}>
              <line class="axis" x1={edge.left} x2={width - edge.right} y1={atY(value)} y2={atY(value)} />
              <text x={edge.left - 8} y={atY(value) + 4} text-anchor="end">
                {text}
              </text>
            </g>
          ))}
          <text x={(edge.left + width) / 2} y={height - 6} text-anchor="middle">
            {x.label}
          </text>
          <text x={14} y={edge.top + 4}>
            {y.label}
          </text>
          {runs.map(({ info }, i) => {
            const [a, b] = [x.values[i], y.values[i]];
            if (a === undefined || b === undefined) return null;
            const text = `${info.run_name}: ${x.label} ${x.texts[i]}, ${y.label} ${y.texts[i]}`;
            return (
              <a
                key={info.run_id}
                href={href(['experiments', info.experiment_id, 'runs', info.run_id])}
                aria-label={text}
              >
                <circle cx={atX(a)} cy={atY(b)} r="6" fill={colourAt(i)} fill-opacity="0.85">
                  <title>{text}</title>
                </circle>
              </a>
            );
          })}
        </svg>
      </div>
    </>
  );
}

export function scale({ low, high }: Span, from: number, to: number): (value: number) => number {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

const listedCategories = 30;

/** What is written along an axis. */
export function marksOf({ numeric, categories }: Dimension, span: Span): { value: number; text: string }[] {
  if (numeric) return ticksOf(span, 6).map((value) => ({ value, text: numberText(value) }));
  return categories.slice(0, listedCategories).map((text, value) => ({ value, text: short(text) }));
}

export function short(text: string): string {
  return text.length > 14 ? `${text.slice(0, 13)}…` : text;
}
