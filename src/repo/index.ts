/**
 * Verbs on an open project: what `dvc` does, a file a verb.
 *
 * Sub-rooms, each on those before it: `guard` (locks, notes of what runs), `open` (a project and its stages),
 * `sources` (what lies elsewhere), `stages` (what changed, run-cache), `workspace` (add, checkout, commit...),
 * `imports`, `sync` (push, pull, gc), `compare` (status, diff), `pipeline` (repro, dag), `reports` (metrics, params,
 * plots), `experiments`, `setup` (init, config, remotes).
 * Words: a *DataRepo* is an open project under DVC's lock; a *target* is a word of the command line, a *selected* out
 * what it meant; the *run-cache* knows what a command made of the same inputs.
 * Never: prints, asks, or knows the tracking store (the port `Recorder` is all it sees of it).
 */
export type { DataRepo } from './open/data-repo.ts';
