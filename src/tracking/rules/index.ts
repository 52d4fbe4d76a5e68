/**
 * MLflow's rules, without a store: validation, defaults, naming, stages and aliases, which sources are safe, and the
 * words of refusals. Never SQL, never I/O.
 */
export * from './errors.ts';
export { demandsGates, gateTag, meansPromotion, requireGates } from './gates.ts';
export { governed } from './governed.ts';
export {
  aliasDeleted,
  aliasSet,
  isPrompt,
  modelCreated,
  modelTagDeleted,
  modelTagSet,
  versionCreated,
  versionTagDeleted,
  versionTagSet,
  type News,
} from './news.ts';
export { loadPatterns, matchesPattern } from './pattern.ts';
export { sampleIndices } from './sample-history.ts';
export { checkInside, checkSameOrigin, readSource, type Source } from './source.ts';
export { canonicalStage, withVersion } from './versions.ts';
