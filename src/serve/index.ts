/**
 * Serving: models behind HTTP, with versions that can be swapped: ONNX in inference threads, others in Python.
 *
 * Words: a *source* knows which models there are; a *served version* is one loaded in the threads; *feeds* and
 * *fetches* are inputs and outputs of a run; a *lease* binds a request to one served version until it is over;
 * a *member* is one of several processes behind a *supervisor*.
 * Never: blocks the event loop on a model, loses a request in a swap, or reads the registry by itself (`app` does).
 */
export { Member } from './cluster/member.ts';
export { superviseServers } from './cluster/supervisor.ts';
export { FolderSource } from './models/folder-source.ts';
export { checkEnsemble, checkServing } from './processing/processing.ts';
export { MemorySource } from './models/memory-source.ts';
export type { ModelRef, ModelSource, OpenModel } from './models/model-source.ts';
export { notServable, pythonFile, type Runtime } from './models/runtime.ts';
export type { ServedModelSpec } from './running/served-model.ts';
export {
  clearRule,
  keptRule,
  ruleOf,
  setRule,
  type KeptRule,
  type RuleMotive,
  type RuleStore,
} from './traffic/kept-rule.ts';
export type { RuleDesk } from './steering/traffic-keeper.ts';
export { readCounts, type ArmTotals } from './steering/traffic-counts.ts';
export { sharesOf } from './traffic/live-rule.ts';
export { readMark } from './traffic/mark.ts';
export { readKnownRule } from './traffic/rule.ts';
export { serve, type RunningServer, type ServeOptions } from './routes/server.ts';
