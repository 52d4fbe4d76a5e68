import { drawPanels, type Mark } from '../../plots/index.ts';
import { importance, type FullTrial, type OpenStudy, type Parameter } from '../../tune/index.ts';
import {
  axisOf,
  blue,
  completeTrials,
  lossColors,
  lossOf,
  nameOfChoice,
  tip,
  valueOf,
  type StudyPlot,
} from './study-look.ts';

/** Parameters of which pairs are drawn: the most important ones. */
const most = 4;
const cells = 14;

/** Pairs of parameters: trials in the color of their rank, or a surface between them. */
export function drawPairs(study: OpenStudy, kind: 'contour' | 'rank'): StudyPlot {
  const complete = completeTrials(study);
  const { space } = study.view;
  const order = [...importance(study.view.trials, space, study.spec.directions).keys()];
  const chosen = order.slice(0, most).flatMap((name) => space.get(name) ?? []);
  if (complete.length < 2 || chosen.length < 2) return { remark: 'it takes two trials and two parameters' };
  const pairs = chosen.flatMap((first, i) => chosen.slice(i + 1).map((second) => [first, second] as const));
  const color = lossColors(complete, study);
  const panels = pairs.map(([first, second]) => {
    const placed = complete.flatMap((trial) => {
      const [x, y] = [valueOf(first, trial), valueOf(second, trial)];
      return x === undefined || y === undefined ? [] : [{ trial, x, y }];
    });
    const points: Mark = {
      kind: 'points',
      color: blue,
      size: kind === 'rank' ? 4 : 2.5,
      points: placed.map(({ trial, x, y }) => ({
        x,
        y,
        text: tip(trial),
        color: kind === 'rank' ? color(lossOf(trial, study)) : '#1f2328',
      })),
    };
    const marks = kind === 'rank' ? [points] : [surface(first, second, placed, study), points];
    return { x: axisOf(first), y: axisOf(second), marks };
  });
  const title = kind === 'rank' ? 'Ranks (dark is good)' : 'Contours (dark is good)';
  return { svg: drawPanels(panels, { title, columns: Math.min(3, panels.length) }) };
}

interface Placed {
  readonly trial: FullTrial;
  readonly x: number | string;
  readonly y: number | string;
}

/** Boxes over the plane, each in the color of the trials near it, weighted by the inverse square of their distance. */
function surface(first: Parameter, second: Parameter, placed: readonly Placed[], study: OpenStudy): Mark {
  const [across, up] = [gridOf(first), gridOf(second)];
  const known = placed.map(({ trial, x, y }) => ({
    u: across.place(x),
    v: up.place(y),
    loss: lossOf(trial, study),
  }));
  const color = lossColors(
    placed.map(({ trial }) => trial),
    study,
  );
  const boxes = across.cells.flatMap((column) =>
    up.cells.map((row) => {
      let [sum, weight] = [0, 0];
      for (const { u, v, loss } of known) {
        const near = 1 / ((u - column.middle) ** 2 + (v - row.middle) ** 2 + 1e-3);
        sum += near * loss;
        weight += near;
      }
      return { x: column.ends, y: row.ends, color: color(sum / weight) };
    }),
  );
  return { kind: 'boxes', boxes };
}

interface Grid {
  readonly cells: readonly { readonly middle: number; readonly ends: readonly [number | string, number | string] }[];
  /** In [0, 1]. */
  place(value: number | string): number;
}

function gridOf({ domain }: Parameter): Grid {
  if (domain.type === 'categorical') {
    const names = domain.choices.map(nameOfChoice);
    const middle = (i: number): number => (i + 0.5) / names.length;
    return {
      cells: names.map((name, i) => ({ middle: middle(i), ends: [name, name] as const })),
      place: (value) => middle(names.indexOf(String(value))),
    };
  }
  const map = (value: number): number => (domain.log ? Math.log(value) : value);
  const back = (value: number): number => (domain.log ? Math.exp(value) : value);
  const [low, high] = [map(domain.low), map(domain.high)];
  const width = high - low || 1;
  return {
    cells: Array.from({ length: cells }, (_, i) => ({
      middle: (i + 0.5) / cells,
      ends: [back(low + (i / cells) * width), back(low + ((i + 1) / cells) * width)] as const,
    })),
    place: (value) => (map(Number(value)) - low) / width,
  };
}
