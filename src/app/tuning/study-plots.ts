import { drawPanels, drawParallel, shareColor, type Mark } from '../../plots/index.ts';
import {
  bestSoFar,
  expectedGain,
  hypervolume,
  importance,
  losses,
  paretoTrials,
  referencePoint,
  violation,
  type OpenStudy,
} from '../../tune/index.ts';
import { drawPairs } from './pair-plots.ts';
import { axisOf, blue, completeTrials, lossColors, lossOf, tip, valueOf, type StudyPlot } from './study-look.ts';

const orange = '#e4572e';
const green = '#54a24b';
const gray = '#9aa3af';
const states: Readonly<Record<string, string>> = { COMPLETE: blue, PRUNED: '#eeca3b', FAILED: orange, RUNNING: green };

type Draw = (study: OpenStudy) => StudyPlot;

/** All plots by name, in the order in which a page shows them. */
export const studyPlots: Readonly<Record<string, Draw>> = {
  history: drawHistory,
  intermediate: drawIntermediate,
  importance: drawImportance,
  parallel: drawParallelCoordinates,
  slice: drawSlices,
  contour: (study) => drawPairs(study, 'contour'),
  rank: (study) => drawPairs(study, 'rank'),
  pareto: drawPareto,
  hypervolume: drawHypervolume,
  timeline: drawTimeline,
  edf: drawEdf,
  terminator: drawTerminator,
  convergence: drawConvergence,
};

const nothing: StudyPlot = { remark: 'no trial is complete' };

function drawHistory(study: OpenStudy): StudyPlot {
  const complete = completeTrials(study);
  if (complete.length === 0) return nothing;
  const { directions, objectives } = study.spec;
  const panels = objectives.map((label, i) => {
    const best: { x: number; y: number }[] = [];
    if (objectives.length === 1) {
      const sign = directions[0] === 'maximize' ? -1 : 1;
      for (const [k, loss] of bestSoFar(complete, directions).entries()) {
        if (loss !== Infinity) best.push({ x: complete[k]?.number ?? 0, y: sign * loss });
      }
    }
    return {
      x: { label: 'trial' },
      y: { label },
      marks: [
        {
          kind: 'points',
          color: blue,
          points: complete.map((trial) => ({
            x: trial.number,
            y: trial.values[i] as number,
            text: tip(trial),
            ...(violation(trial) > 0 ? { color: gray } : {}),
          })),
        },
        { kind: 'line', color: orange, points: best, stairs: true },
      ] as const satisfies readonly Mark[],
    };
  });
  const infeasible = complete.some((trial) => violation(trial) > 0);
  const key = [
    { text: 'value', color: blue, mark: 'point' as const },
    ...(objectives.length === 1 ? [{ text: 'best so far', color: orange, mark: 'line' as const }] : []),
    ...(infeasible ? [{ text: 'infeasible', color: gray, mark: 'point' as const }] : []),
  ];
  return { svg: drawPanels(panels, { title: 'History', legend: key }) };
}

function drawIntermediate(study: OpenStudy): StudyPlot {
  const told = study.trials.filter(({ intermediate }) => intermediate.size > 0);
  if (told.length === 0) return { remark: 'no trial told intermediate values' };
  const marks = told.map((trial): Mark => {
    const points = [...trial.intermediate].sort(([a], [b]) => a - b).map(([x, y]) => ({ x, y }));
    return { kind: 'line', color: states[trial.state] ?? gray, points, faint: told.length > 12 };
  });
  const key = ['COMPLETE', 'PRUNED', 'FAILED'].map((text) => ({ text, color: states[text], mark: 'line' as const }));
  const label = study.spec.objectives[0] ?? 'value';
  return {
    svg: drawPanels([{ x: { label: 'step' }, y: { label }, marks }], { title: 'Intermediate values', legend: key }),
  };
}

function drawImportance(study: OpenStudy): StudyPlot {
  const found = [...importance(study.view.trials, study.view.space, study.spec.directions)];
  if (found.length === 0 || completeTrials(study).length < 2) return { remark: 'fewer than two trials are complete' };
  const boxes = found.map(([name, share]) => ({
    x: [0, share] as const,
    y: [name, name] as const,
    color: blue,
    text: `${name}: ${share.toFixed(4)}`,
  }));
  const names = found.map(([name]) => name);
  const panel = {
    x: { label: 'share', zero: true },
    y: { label: '', kind: { names } },
    marks: [{ kind: 'boxes', boxes } as const],
  };
  return {
    svg: drawPanels([panel], { title: 'Importance of parameters', height: Math.max(160, 70 + names.length * 30) }),
  };
}

function drawParallelCoordinates(study: OpenStudy): StudyPlot {
  const complete = completeTrials(study);
  if (complete.length === 0) return nothing;
  const { parameters } = study.view.space;
  const color = lossColors(complete, study);
  const axes = [
    ...parameters.map((parameter) => axisOf(parameter)),
    ...study.spec.objectives.map((label) => ({ label })),
  ];
  const rows = complete
    .map((trial) => ({
      values: [...parameters.map((parameter) => valueOf(parameter, trial)), ...trial.values],
      color: color(lossOf(trial, study)),
      text: tip(trial),
    }))
    .reverse();
  return { svg: drawParallel(axes, rows, 'Parallel coordinates') };
}

function drawSlices(study: OpenStudy): StudyPlot {
  const complete = completeTrials(study);
  if (complete.length === 0) return nothing;
  const last = complete.at(-1)?.number ?? 1;
  const panels = study.view.space.parameters.flatMap((parameter) =>
    study.spec.objectives.map((label, i) => ({
      x: axisOf(parameter),
      y: { label },
      marks: [
        {
          kind: 'points' as const,
          color: blue,
          points: complete.flatMap((trial) => {
            const x = valueOf(parameter, trial);
            if (x === undefined) return [];
            const share = 1 - trial.number / Math.max(1, last);
            return [{ x, y: trial.values[i] as number, text: tip(trial), color: shareColor(share) }];
          }),
        },
      ],
    })),
  );
  return { svg: drawPanels(panels, { title: 'Slices (later trials are darker)', columns: 3 }) };
}

function drawPareto(study: OpenStudy): StudyPlot {
  const { objectives, directions } = study.spec;
  if (objectives.length < 2) return { remark: 'one objective has no front' };
  const complete = completeTrials(study);
  if (complete.length === 0) return nothing;
  const front = new Set(paretoTrials(complete, directions));
  const pairs = objectives.flatMap((_, i) => objectives.slice(i + 1).map((__, k) => [i, i + 1 + k] as const));
  const panels = pairs.map(([i, k]) => ({
    x: { label: objectives[i] ?? '' },
    y: { label: objectives[k] ?? '' },
    marks: [
      {
        kind: 'points' as const,
        color: blue,
        points: complete.map((trial) => ({
          ...{ x: trial.values[i] as number, y: trial.values[k] as number, text: tip(trial) },
          color: front.has(trial) ? orange : violation(trial) > 0 ? gray : blue,
        })),
      },
    ],
  }));
  const key = [
    { text: 'on the front', color: orange, mark: 'point' as const },
    { text: 'dominated', color: blue, mark: 'point' as const },
    { text: 'infeasible', color: gray, mark: 'point' as const },
  ];
  return { svg: drawPanels(panels, { title: 'Pareto front', legend: key, columns: panels.length > 1 ? 2 : 1 }) };
}

function drawHypervolume(study: OpenStudy): StudyPlot {
  const { objectives, directions } = study.spec;
  if (objectives.length < 2) return { remark: 'one objective has no volume' };
  const feasible = completeTrials(study).filter((trial) => violation(trial) === 0);
  if (feasible.length === 0) return nothing;
  const points = feasible.map((trial) => losses(trial, directions));
  const reference = referencePoint(points);
  const line = feasible.map((trial, i) => ({ x: trial.number, y: hypervolume(points.slice(0, i + 1), reference) }));
  const marks: Mark[] = [{ kind: 'line', color: blue, points: line, stairs: true }];
  return { svg: drawPanels([{ x: { label: 'trial' }, y: { label: 'hypervolume' }, marks }], { title: 'Hypervolume' }) };
}

function drawTimeline(study: OpenStudy): StudyPlot {
  const timed = study.trials.filter(({ facts }) => facts.startedAt > 0 && !facts.foreign);
  if (timed.length === 0) return { remark: 'no trial has begun' };
  const first = Math.min(...timed.map(({ facts }) => facts.startedAt));
  const now = Math.max(...timed.map(({ facts }) => facts.endedAt ?? facts.startedAt));
  const boxes = timed.map((trial) => ({
    x: [(trial.facts.startedAt - first) / 1000, ((trial.facts.endedAt ?? now) - first) / 1000] as const,
    y: [trial.number - 0.4, trial.number + 0.4] as const,
    color: states[trial.state] ?? gray,
    text: tip(trial),
  }));
  const key = Object.entries(states).map(([text, color]) => ({ text, color, mark: 'box' as const }));
  const panel = {
    x: { label: 'seconds', zero: true },
    y: { label: 'trial' },
    marks: [{ kind: 'boxes' as const, boxes }],
  };
  return { svg: drawPanels([panel], { title: 'Timeline', legend: key }) };
}

function drawEdf(study: OpenStudy): StudyPlot {
  const complete = completeTrials(study);
  if (complete.length === 0) return nothing;
  const panels = study.spec.objectives.map((label, i) => {
    const sorted = complete.map(({ values }) => values[i] as number).sort((a, b) => a - b);
    const points = sorted.map((x, k) => ({ x, y: (k + 1) / sorted.length }));
    const marks: Mark[] = [
      { kind: 'line', color: blue, points: [{ x: sorted[0] as number, y: 0 }, ...points], stairs: true },
    ];
    return { x: { label }, y: { label: 'share of trials', zero: true }, marks };
  });
  return { svg: drawPanels(panels, { title: 'Distribution of values' }) };
}

/** A model is fitted for each point: not for each trial. */
const modelPoints = 16;

function drawTerminator(study: OpenStudy): StudyPlot {
  if (study.spec.objectives.length > 1) return { remark: 'one objective only' };
  const complete = completeTrials(study);
  if (complete.length < 6) return { remark: 'a model needs six trials' };
  const { name, space, directions } = study.view;
  const every = Math.max(1, Math.ceil((Math.min(complete.length, 200) - 5) / modelPoints));
  const points: { x: number; y: number }[] = [];
  for (let count = 6; count <= Math.min(complete.length, 200); count += every) {
    const gain = expectedGain({ name, space, directions, trials: complete.slice(0, count) });
    if (gain !== undefined && gain > 0) points.push({ x: complete[count - 1]?.number ?? count, y: gain });
  }
  if (points.length === 0) return { remark: 'no parameter always exists' };
  const marks: Mark[] = [
    { kind: 'line', color: blue, points },
    { kind: 'points', color: blue, points },
  ];
  const y = { label: 'expected gain (standard deviations)', kind: 'log' as const };
  return { svg: drawPanels([{ x: { label: 'trial' }, y, marks }], { title: 'Terminator' }) };
}

/** The best so far, and for several objectives the volume, against what was spent: a cost that was measured, else time. */
function drawConvergence(study: OpenStudy): StudyPlot {
  const { directions, objectives, run } = study.spec;
  const complete = completeTrials(study);
  if (complete.length === 0) return nothing;
  const { key } = (run['cost'] as { readonly source?: { readonly key?: string } } | undefined)?.source ?? {};
  const ended = study.trials.filter(({ facts }) => facts.endedAt !== undefined);
  let spent = 0;
  const costs = new Map<number, number>();
  for (const { number, facts } of ended) {
    spent += key === undefined ? ((facts.endedAt ?? 0) - facts.startedAt) / 1000 : (facts.metrics[key] ?? 0);
    costs.set(number, spent);
  }
  const feasible = complete.filter((trial) => violation(trial) === 0);
  const points = feasible.map((trial) => losses(trial, directions));
  const reference = objectives.length > 1 && points.length > 0 ? referencePoint(points) : undefined;
  const sign = directions[0] === 'maximize' ? -1 : 1;
  const best = bestSoFar(feasible, directions);
  const line = feasible.map((trial, i) => ({
    x: costs.get(trial.number) ?? 0,
    y: reference === undefined ? sign * (best[i] as number) : hypervolume(points.slice(0, i + 1), reference),
  }));
  const label = reference === undefined ? `best ${objectives[0] ?? ''}` : 'hypervolume';
  const marks: Mark[] = [{ kind: 'line', color: orange, points: line, stairs: true }];
  const panel = { x: { label: key ?? 'seconds of trials', zero: true }, y: { label }, marks };
  return { svg: drawPanels([panel], { title: 'Convergence against cost' }) };
}
