/**
 * The command line: parses words, calls one function, prints what it gives, sets the exit status.
 *
 * Sub-rooms, each on those before it: `terminal` (the only way out), `parse` (commands as data, flags), `tables`,
 * `session` (a command on an open project or store), `commands` (a file per verb), `entry` (table of verbs, help, the
 * process).
 * Words: an *owner* is the tool whose flags, texts and exit statuses rule a verb.
 * Never: does the work itself, or writes data to stderr and talk to stdout.
 */
export type { Command, Verb } from './parse/command.ts';
