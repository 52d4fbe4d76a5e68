/**
 * The search of hyper-parameters: what a space, a trial and a study are, samplers that suggest and pruners that end
 * trials early. What it suggests follows from a seed and the trials alone.
 *
 * Words: a *study* is a search, a *trial* one try of it; a study is *open* for the one that suggests; a *store* keeps
 * studies as rows.
 * Never: reads a file or runs a trial; running them is `app`'s.
 */
export { Driver } from './drive.ts';
export { bestSoFar, type Done, type StudyLimits } from './studies/limits.ts';
export { type Objective as TrialObjective, type TrialHands } from './studies/objective.ts';
export {
  localDesk,
  runStudy,
  type Desk,
  type Next,
  type RunStudyOptions,
  type StudyEvent,
} from './studies/run-study.ts';
export { importance } from './looks/importance.ts';
export { hypervolume } from './hypervolume.ts';
export { referencePoint } from './split.ts';
export { readSpace } from './read-space.ts';
export { expectedGain } from './looks/expected-gain.ts';
export { OpenStudy, type Company, type SlowSampler, type TrialEnd } from './studies/open-study.ts';
export { differences, isOptunas, parseSpec, partsOf, specVersion, type StudySpec } from './studies/spec.ts';
export { newFacts, rowOf, trialOf, type FullTrial, type TrialFacts } from './studies/trial-body.ts';
export type { StudyChange, StudyRow, StudyState, StudySummary, TrialRow, TrialStore } from './studies/trial-store.ts';
export { paretoTrials } from './study.ts';
export { contains, type Parameter, type Params, type ParamValue, type Space } from './space.ts';
export {
  losses,
  violation,
  type Direction,
  type StudyView,
  type Suggestion,
  type Trial,
  type TrialState,
} from './trial.ts';
