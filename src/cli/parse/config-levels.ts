import { MlopsError } from '../../base/index.ts';
import type { ConfigLevel } from '../../project/index.ts';
import type { FlagSpec, Input } from './command.ts';

/** `--global`, `--system`, `--project` and `--local`, as all commands on config files have them. */
export const levelFlags: readonly FlagSpec[] = [
  { name: 'global', summary: "use the user's config" },
  { name: 'system', summary: "use the machine's config" },
  { name: 'project', summary: 'use the config of the project (.dvc/config)' },
  { name: 'local', summary: 'use the config that Git ignores (.dvc/config.local)' },
];

const levels: Readonly<Record<string, ConfigLevel>> = {
  global: 'global',
  system: 'system',
  project: 'repo',
  local: 'local',
};

/** The level that was asked for, undefined when none was. */
export function levelOf(input: Input): ConfigLevel | undefined {
  const given = Object.keys(levels).filter((flag) => input.on(flag));
  if (given.length > 1) {
    throw new MlopsError('usage', `argument --${given[1]}: not allowed with argument --${given[0]}`);
  }
  return given[0] === undefined ? undefined : levels[given[0]];
}
