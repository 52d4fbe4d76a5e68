import { GpSampler } from '../samplers/gp.ts';
import type { StudyView } from '../trial.ts';

/**
 * The improvement that a model of the trials expects of the best next one, in standard deviations of their values;
 * undefined where there are too few trials, several objectives, or no parameter that always exists.
 */
export function expectedGain(study: StudyView): number | undefined {
  if (study.directions.length > 1) return undefined;
  return new GpSampler(study.space, study.directions, 0).expectedGain(study, study.trials.length);
}
