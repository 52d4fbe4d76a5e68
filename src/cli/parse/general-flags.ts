import { MlopsError } from '../../base/index.ts';
import type { Command, FlagSpec } from './command.ts';

/** Flags that a command has because of what it is, without writing them down: the choice of what JSON holds. */
const jsonFlags: readonly FlagSpec[] = [
  { name: 'fields', value: 'LIST', hidden: true, summary: 'of the JSON, only these fields, by comma' },
  { name: 'jq', value: 'PATH', hidden: true, summary: 'of the JSON, what is at this path, a line each' },
];

/** `--dry` and `--dry-run` are one flag. */
const dryNames: readonly string[] = ['dry', 'dry-run'];

/** All flags that a command takes: its own, and those that every command of its kind has. */
export function allFlags(command: Command): readonly FlagSpec[] {
  const own = command.flags ?? [];
  const taken = new Set(own.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  const spelled = own.map((flag) => {
    const other = dryNames.includes(flag.name) ? dryNames.find((name) => !taken.has(name)) : undefined;
    return other === undefined ? flag : { ...flag, aliases: [...(flag.aliases ?? []), other] };
  });
  if (command.stream === true) spelled.push(streamFlag);
  return hasJson(command) ? [...spelled, ...jsonFlags.filter(({ name }) => !taken.has(name))] : spelled;
}

const streamFlag: FlagSpec = { name: 'json', hidden: true, summary: 'what happens, as a line of JSON per event' };

export function hasJson(command: Command): boolean {
  return (
    command.stream === true || (command.flags ?? []).some(({ name, value }) => name === 'json' && value === undefined)
  );
}

/** The environment variable of a flag: `MLOPS_SERVE_PORT` of `serve --port`, `MLOPS_RUNS_LIST_JSON`. */
export function envName(command: Command, flag: FlagSpec): string {
  return `MLOPS_${command.name} ${flag.name}`.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}

/**
 * What a variable of the environment says for a flag; undefined where it is not set or empty.
 * @throws MlopsError `usage` for a switch that is neither on nor off.
 */
export function fromEnvironment(
  command: Command,
  flag: FlagSpec,
  env: Readonly<Record<string, string | undefined>>,
): string | boolean | readonly string[] | undefined {
  const name = [envName(command, flag), flag.env].find((candidate) => (env[candidate ?? ''] ?? '') !== '');
  const text = env[name ?? ''];
  if (name === undefined || text === undefined) return undefined;
  if (flag.value !== undefined) return flag.repeat === undefined ? text : text.split(',');
  const word = text.toLowerCase();
  if (['1', 'true', 'yes', 'on'].includes(word)) return true;
  if (['0', 'false', 'no', 'off'].includes(word)) return flag.negatable === true ? false : undefined;
  throw new MlopsError('usage', `${name} is on or off: 1, true, yes, on or 0, false, no, off; got '${text}'`);
}
