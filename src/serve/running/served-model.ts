import type { ModelSource } from '../models/model-source.ts';
import type { ServedVersion } from './served-version.ts';

/** What is to be served: a name of a source, and which version of it is the default. */
export interface ServedModelSpec {
  readonly name: string;
  readonly source: ModelSource;
  /** Name of the model inside the source, where it is served under another one. */
  readonly sourceName?: string | undefined;
  /** Version, stage or alias that answers requests that name none; default: what the source says. */
  readonly selector?: string | undefined;
  /** The name under which rules of its traffic are kept; absent: it has none. */
  readonly rules?: string | undefined;
}

export type ModelState = 'UNLOADED' | 'LOADING' | 'READY' | 'FAILED' | 'UNAVAILABLE';

/** A served name: the default version, all loaded ones, and why the last load failed. */
export interface ServedModel {
  readonly spec: ServedModelSpec;
  current: ServedVersion | undefined;
  readonly versions: Map<string, ServedVersion>;
  readonly loading: Map<string, Promise<ServedVersion>>;
  /** Versions that stay loaded though another one is the default: a rule sends requests to them. */
  kept: ReadonlySet<string>;
  state: ModelState;
  reason: string;
  /** Why a version that should have followed the current one did not. */
  refused: string | undefined;
  swaps: number;
}

/** Before its first load. */
export function modelOf(spec: ServedModelSpec): ServedModel {
  const facts = { state: 'UNLOADED' as const, reason: '', refused: undefined, swaps: 0, kept: new Set<string>() };
  return { spec, current: undefined, versions: new Map(), loading: new Map(), ...facts };
}
