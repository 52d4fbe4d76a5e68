/**
 * The search of hyper-parameters: what a space, a trial and a study are, samplers that suggest and pruners that end
 * trials early. Pure: it reads no file, runs nothing, and what it suggests follows from a seed and the trials alone.
 * Running trials is `app`'s.
 */
export { Driver } from './drive.ts';
