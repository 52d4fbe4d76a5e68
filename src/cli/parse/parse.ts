import { Command as Commander, CommanderError, Option } from 'commander';

import { didYouMean, MlopsError } from '../../base/index.ts';
import { absentFlag } from './absent.ts';
import { prepareWords, type PreparedWords } from './argparse-words.ts';
import type { ArgSpec, Command, FlagSpec, Input } from './command.ts';
import { allFlags, fromEnvironment, hasJson } from './general-flags.ts';
import type { GlobalFlags } from './global-flags.ts';

/**
 * Parses the words after a command's name by its description.
 * @throws MlopsError `usage` for an unknown flag, a missing or superfluous argument, a bad value.
 */
export function parseCommandLine(
  command: Command,
  words: readonly string[],
  globals: GlobalFlags,
  env: Readonly<Record<string, string | undefined>>,
): Input {
  const dash = command.passthrough === true ? words.indexOf('--') : -1;
  const own = dash < 0 ? words : words.slice(0, dash);
  const rest = dash < 0 ? [] : words.slice(dash + 1);
  const flags = allFlags(command);
  const parser = buildParser(command, flags);
  const prepared = prepareWords(command, own);
  try {
    parser.parse([...prepared.words], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw usageError(error, command, own);
    throw error;
  }
  const values = new Map(flags.map((flag) => [flag.name, restore(valueOf(parser, command, flag, env), prepared)]));
  // Whoever says what JSON shall hold wants JSON.
  if (hasJson(command) && jsonChoices.some((name) => values.get(name) !== undefined)) values.set('json', true);
  const args = parser.args.map((word) => prepared.original(word));
  checkArgs(command.args ?? [], args);
  const input = makeInput(command, args, rest, values);
  if (globals.quiet && globals.verbosity > 0) {
    throw new MlopsError('usage', '--quiet and --verbose exclude each other');
  }
  return input;
}

const jsonChoices = ['fields', 'jq'] as const;

type Value = string | boolean | readonly string[] | undefined;

function restore(value: Value, prepared: PreparedWords): Value {
  if (typeof value === 'string') return prepared.original(value);
  return Array.isArray(value) ? (value as string[]).map((word) => prepared.original(word)) : value;
}

function buildParser(command: Command, flags: readonly FlagSpec[]): Commander {
  const parser = new Commander(command.name)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  parser.helpOption(false).allowExcessArguments(true).showSuggestionAfterError(false);
  parser.argument('[words...]');
  if (command.rawTail === true) parser.passThroughOptions();
  for (const flag of flags) {
    for (const option of optionsOf(flag)) parser.addOption(option);
  }
  return parser;
}

function optionsOf(flag: FlagSpec): Option[] {
  const value =
    flag.value === undefined
      ? ''
      : flag.optionalValue === true
        ? ` [${flag.value}]`
        : flag.repeat === 'many'
          ? ` [${flag.value}...]`
          : ` <${flag.value}>`;
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  const main = new Option(`${short}--${flag.name}${value}`);
  const others = (flag.aliases ?? []).map((alias) => new Option(`--${alias}${value}`));
  if (flag.negatable === true) others.push(new Option(`--no-${flag.name}`));
  if (flag.repeat === 'each') for (const option of [main, ...others]) option.argParser(collect);
  return [main, ...others];
}

function collect(value: string, previous: unknown): string[] {
  return Array.isArray(previous) ? [...(previous as string[]), value] : [value];
}

/** Commander keeps `--no-x` as x = false; here a flag called `no-x` is a switch like any other. */
function valueOf(
  parser: Commander,
  command: Command,
  flag: FlagSpec,
  env: Readonly<Record<string, string | undefined>>,
): Value {
  const found = [flag.name, ...(flag.aliases ?? [])]
    .map((name) => rawValue(parser, name))
    .find((value) => value !== undefined);
  const given = found ?? fromEnvironment(command, flag, env);
  const none = flag.repeat === 'many' ? [] : '';
  const value = given === true && flag.value !== undefined ? none : (given ?? flag.default);
  check(flag, value);
  return value;
}

function rawValue(parser: Commander, name: string): Value {
  const negative = name.startsWith('no-');
  const key = camelCase(negative ? name.slice(3) : name);
  if (parser.getOptionValueSource(key) !== 'cli') return undefined;
  const value = parser.getOptionValue(key) as Value;
  if (negative) return value === false ? true : undefined;
  return value;
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function check(flag: FlagSpec, value: Value): void {
  if (value === undefined || typeof value === 'boolean') return;
  for (const text of typeof value === 'string' ? [value] : value) {
    if (flag.integer === true && !/^[+-]?\d+$/.test(text)) {
      throw new MlopsError('usage', `--${flag.name} takes a whole number, got '${text}'`);
    }
    if (flag.choices !== undefined && !flag.choices.includes(text)) {
      throw new MlopsError('usage', `--${flag.name} is one of ${flag.choices.join(', ')}; got '${text}'`, {
        hint: didYouMean(text, flag.choices),
      });
    }
  }
}

function checkArgs(specs: readonly ArgSpec[], args: readonly string[]): void {
  const needed = specs.filter((spec) => spec.optional !== true);
  if (args.length < needed.length) {
    throw new MlopsError('usage', `missing argument: ${needed[args.length]?.name ?? ''}`);
  }
  const variadic = specs.some((spec) => spec.variadic === true);
  if (!variadic && args.length > specs.length) {
    throw new MlopsError('usage', `unrecognized arguments: ${args.slice(specs.length).join(' ')}`);
  }
  specs.forEach((spec, i) => {
    const value = args[i];
    if (spec.choices !== undefined && value !== undefined && !spec.choices.includes(value)) {
      throw new MlopsError('usage', `${spec.name} is one of ${spec.choices.join(', ')}; got '${value}'`, {
        hint: didYouMean(value, spec.choices),
      });
    }
  });
}

function usageError(error: CommanderError, command: Command, words: readonly string[]): MlopsError {
  const message = error.message.replace(/^error: /, '');
  if (error.code !== 'commander.unknownOption') {
    const hint = message.includes("'-h, --host") ? '-h is --host here, as in MLflow; --help is help' : undefined;
    return new MlopsError('usage', message, { hint });
  }
  const word = words.find((candidate) => message.includes(`'${candidate}'`)) ?? /'([^']+)'/.exec(message)?.[1] ?? '';
  const known = allFlags(command).flatMap((flag) => [
    `--${flag.name}`,
    ...(flag.negatable === true ? [`--no-${flag.name}`] : []),
  ]);
  const absent = absentFlag(command.name, word.split('=')[0] ?? word);
  if (absent !== undefined) {
    return new MlopsError('usage', `DVC has \`${command.name} ${word}\`, mlops has not`, { hint: absent });
  }
  return new MlopsError('usage', `unknown flag '${word}' of \`mlops ${command.name}\``, {
    hint: didYouMean(word.split('=')[0] ?? word, known),
  });
}

function makeInput(
  command: Command,
  args: readonly string[],
  rest: readonly string[],
  values: ReadonlyMap<string, Value>,
): Input {
  const get = (name: string): Value => {
    // A command that reads a flag it does not declare is a bug of ours, not of the user.
    if (!values.has(name)) throw new Error(`command '${command.name}' has no flag '${name}'`);
    return values.get(name);
  };
  const text = (name: string): string | undefined => {
    const value = get(name);
    if (Array.isArray(value)) return value.at(-1) as string | undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    args,
    rest,
    on: (name) => get(name) === true || get(name) === '',
    choice: (name) => {
      const value = get(name);
      return typeof value === 'boolean' ? value : undefined;
    },
    text,
    number: (name) => {
      const value = text(name);
      return value === undefined ? undefined : Number(value);
    },
    list: (name) => {
      const value = get(name);
      if (Array.isArray(value)) return value as readonly string[];
      return typeof value === 'string' ? [value] : [];
    },
    given: (name) => get(name) !== undefined,
  };
}
