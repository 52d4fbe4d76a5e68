import { shareColor, type PanelAxis } from '../../plots/index.ts';
import { losses, type FullTrial, type OpenStudy, type Parameter } from '../../tune/index.ts';

/** A plot of a study: drawn, or why there is nothing to draw. */
export type StudyPlot = { readonly svg: string } | { readonly remark: string };

export const blue = '#4c78a8';

export function completeTrials(study: OpenStudy): readonly FullTrial[] {
  return study.trials.filter(({ state, values }) => state === 'COMPLETE' && values.every(Number.isFinite));
}

/** Good is dark, bad is light. */
export function lossColors(trials: readonly FullTrial[], study: OpenStudy): (trial: FullTrial) => string {
  const sorted = trials.map((trial) => losses(trial, study.spec.directions)[0] as number).sort((a, b) => a - b);
  return (trial) => {
    const loss = losses(trial, study.spec.directions)[0] as number;
    return shareColor(sorted.length < 2 ? 0 : sorted.indexOf(loss) / (sorted.length - 1));
  };
}

export function axisOf({ name, domain }: Parameter): PanelAxis {
  if (domain.type === 'categorical') return { label: name, kind: { names: domain.choices.map(nameOfChoice) } };
  return { label: name, kind: domain.log ? 'log' : 'linear' };
}

function nameOfChoice(value: unknown): string {
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
