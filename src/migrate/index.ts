/**
 * Other tools' tracking data, read into a tracking store and written out of one: a file each.
 *
 * Words: a *source* (`source.ts`) is read experiment by experiment; a *report* says what came over and what stayed
 * behind.
 * Never: changes what it reads.
 */
export type { MigrationSource } from './source.ts';
