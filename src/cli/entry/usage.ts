import type { ArgSpec, Command, FlagSpec } from '../parse/command.ts';

/** How a command is called, in one line. */
export function usageOf(command: Command): string {
  const args = (command.args ?? []).map((arg) => {
    const name = arg.variadic === true ? `${argName(arg)}...` : argName(arg);
    return arg.optional === true ? `[${name}]` : name;
  });
  const flags = (command.flags ?? []).some((flag) => flag.hidden !== true) ? ['[FLAGS]'] : [];
  const rest = command.passthrough === true && command.rawTail !== true ? ['-- COMMAND...'] : [];
  return ['mlops', command.name, ...flags, ...args, ...rest].join(' ');
}

export function argName(arg: ArgSpec): string {
  return arg.name.toUpperCase();
}

export function flagName(flag: FlagSpec): string {
  const value =
    flag.value === undefined
      ? ''
      : flag.optionalValue === true
        ? `[=${flag.value}]`
        : ` ${flag.value}${flag.repeat === 'many' ? '...' : ''}`;
  const name = flag.negatable === true ? `--[no-]${flag.name}` : `--${flag.name}`;
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}${name}${value}`;
}

export function flagSummary(flag: FlagSpec): string {
  const notes = [
    flag.choices === undefined ? '' : `one of ${flag.choices.join(', ')}`,
    flag.default === undefined ? '' : `default ${flag.default}`,
    flag.repeat === 'each' ? 'may be repeated' : '',
    flag.env === undefined ? '' : `env ${flag.env}`,
  ].filter((note) => note !== '');
  return notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join('; ')})`;
}

export function exitStatuses(command: Command): string {
  const own = Object.entries(command.exits ?? {}).map(([status, meaning]) => `${status} ${meaning}`);
  const common =
    command.owner === 'dvc'
      ? [
          `${command.failure ?? 255} failed`,
          '251 bad configuration',
          '252 interrupted',
          '253 not a project',
          '254 wrong usage',
        ]
      : ['1 failed', '2 wrong usage', '130 interrupted'];
  return ['0 done', ...own, ...common].join(', ');
}
