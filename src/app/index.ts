/**
 * Use cases that join rooms: record a repro, run a command, register, promote, serve from the registry, demo.
 *
 * Sub-rooms, each on those before it: `places` (which store a folder uses, runs by name), `endpoint` (servers of the
 * tracking protocol), `recording`, `registry`, `runs`, `usecases`.
 * Never: holds rules of a format, a protocol or a store: those have rooms.
 */
export type { TrackingPlace } from './places/tracking-home.ts';
