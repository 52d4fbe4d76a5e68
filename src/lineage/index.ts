/**
 * Lineage: what came of what, as one graph that is asked step by step and kept nowhere.
 *
 * Words: a *thing* is a prediction, a model version, a run, a stage as it was carried out, data (a path with its
 * content), a commit or a *source* outside of the project; a *source* of the port tells its neighbours; a *gap* is what
 * should be known and is not.
 * Never: guesses, or reads a store or a project itself.
 */
export {
  gapsOf,
  madeHere,
  trace,
  withNodes,
  type Direction,
  type LineageEdge,
  type LineageGraph,
  type LineageNode,
  type LineageSource,
  type Neighbour,
  type NodeKind,
  type TraceOptions,
} from './graph.ts';
export { toDot, toMermaid } from './diagrams.ts';
export { toTree } from './tree-text.ts';
export { toPage } from './page.ts';
