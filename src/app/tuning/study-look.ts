import { shareColor, type PanelAxis } from '../../plots/index.ts';
import { losses, type FullTrial, type OpenStudy, type Parameter } from '../../tune/index.ts';

/** A plot of a study: drawn, or why there is nothing to draw. */
export type StudyPlot = { readonly svg: string } | { readonly remark: string };

export const blue = '#4c78a8';

export function completeTrials(study: OpenStudy): readonly FullTrial[] {
  return study.trials.filter(({ state, values }) => state === 'COMPLETE' && values.every(Number.isFinite));
}

/** By the first objective: less is better. */
export function lossOf(trial: FullTrial, study: OpenStudy): number {
  return losses(trial, study.spec.directions)[0] as number;
}

/** Good is dark, bad is light: by the share of trials that are better. */
export function lossColors(trials: readonly FullTrial[], study: OpenStudy): (loss: number) => string {
  const sorted = trials.map((trial) => lossOf(trial, study)).sort((a, b) => a - b);
  return (loss) => {
    const better = sorted.findLastIndex((each) => each < loss) + 1;
    return shareColor(sorted.length < 2 ? 0 : better / (sorted.length - 1));
  };
}

export function axisOf({ name, domain }: Parameter): PanelAxis {
  if (domain.type === 'categorical') return { label: name, kind: { names: domain.choices.map(nameOfChoice) } };
  return { label: name, kind: domain.log ? 'log' : 'linear' };
}

export function nameOfChoice(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function valueOf({ name, domain }: Parameter, { params }: FullTrial): number | string | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  return domain.type === 'categorical' ? nameOfChoice(value) : (value as number);
}

export function tip(trial: FullTrial): string {
  const params = Object.entries(trial.params).map(([name, value]) => `${name}: ${nameOfChoice(value)}`);
  return [`trial ${trial.number}: ${trial.values.join(', ')}`, ...params].join('\n');
}
