import type { ModelRef } from '../models/model-source.ts';
import type { ServerSnapshot } from '../numbers/snapshot.ts';
import type { sent } from './rpc.ts';

/** What the supervising process offers its server processes. A type, not an interface: it is a map of methods. */
export type SupervisorMethods = {
  /** First thing said: gives the state that the others have. */
  hello(params: null): MemberState;
  ready(params: MemberReady): Promise<void> | void;
  /** The start failed; the process ends. */
  failed(params: ReturnType<typeof sent>): void;
  load(params: { readonly name: string; readonly ref: ModelRef }): Promise<void>;
  unload(params: { readonly name: string; readonly reason: string | undefined }): Promise<void>;
  add(params: { readonly name: string; readonly source: number }): Promise<void>;
  /** Numbers of all processes together. */
  snapshot(params: null): Promise<ServerSnapshot>;
  /** Numbers of the caller, kept for when it dies. */
  counts(params: ServerSnapshot): SupervisorState;
  /** Lines for the prediction log. */
  log(params: { readonly lines: string; readonly count: number }): void;
};

/** What a server process offers the supervising one. */
export type MemberMethods = {
  /** Loads a version aside. */
  prepare(params: { readonly name: string; readonly ref: ModelRef }): Promise<void>;
  /** Makes a prepared version the default one. */
  commit(params: { readonly name: string; readonly ref: ModelRef }): Promise<void>;
  discard(params: { readonly name: string; readonly version: string }): void;
  unload(params: { readonly name: string; readonly reason: string | undefined }): void;
  add(params: { readonly name: string; readonly source: number }): void;
  snapshot(params: null): ServerSnapshot;
  /** Connections will stop to come: not ready any more. */
  drain(params: null): void;
  stop(params: null): void;
};

/** Sent with a connection for the process; it answers `TakenMessage`. */
export interface ConnectionMessage {
  readonly mlops: 'connection';
  readonly id: number;
}

export interface TakenMessage {
  readonly mlops: 'taken';
  readonly id: number;
}

/** What a process that starts has to know of what happened before. */
export interface MemberState {
  /** 0 to processes - 1; a process that is started again has the place of the one before. */
  readonly place: number;
  /** Where the supervising process listens. */
  readonly port: number;
  /** Versions that were loaded by request or change. */
  readonly loaded: readonly (readonly [name: string, ref: ModelRef])[];
  readonly unloaded: readonly (readonly [name: string, reason: string | undefined])[];
  readonly added: readonly (readonly [name: string, source: number])[];
}

export interface MemberReady {
  readonly models: readonly { readonly name: string; readonly version: string | undefined }[];
  readonly failures: readonly { readonly name: string; readonly error: ReturnType<typeof sent> }[];
}

export interface SupervisorState {
  readonly workers: number;
  readonly restarts: number;
  /** Why the prediction log cannot be written. */
  readonly logTrouble: string | undefined;
}
