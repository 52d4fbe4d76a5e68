/**
 * The search of hyper-parameters: what a space, a trial and a study are, samplers that suggest and pruners that end
 * trials early. What it suggests follows from a seed and the trials alone.
 *
 * Never: reads a file or runs a trial; running them is `app`'s.
 */
export { Driver } from './drive.ts';
