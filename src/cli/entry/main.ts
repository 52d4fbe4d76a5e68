import { didYouMean, MlopsError } from '../../base/index.ts';
import type { Command, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { exitStatusOf } from '../parse/exit-status.ts';
import { hasJson } from '../parse/general-flags.ts';
import { readGlobalFlags, type GlobalFlags } from '../parse/global-flags.ts';
import { reportError } from './report-error.ts';
import { createTerminal, type Streams } from '../terminal/create-terminal.ts';
import { verbs } from './verbs.ts';
import type { VerbRow } from '../parse/verb-row.ts';
import { dvcVersion, version } from '../parse/version.ts';

/**
 * Runs one command line and returns its exit status. This is the table of contents of the program:
 * global flags, the verb, its command, the parser, the work, the error.
 */
export async function main(argv: readonly string[], streams: Streams): Promise<number> {
  const flags = readGlobalFlags(argv, streams.env);
  if (flags.version) return printVersion(streams);
  const terminal = await createTerminal(flags, streams);
  let command: Command | undefined;
  try {
    if (flags.words.length === 0 || isHelpWord(flags.words[0])) return await showHelp(flags, terminal);
    const found = await findCommand(flags.words);
    if ('help' in found) return await showVerbHelp(found, flags, terminal);
    command = found.command;
    if (flags.help) return await showCommandHelp(command, flags, terminal);
    const { parseCommandLine } = await import('../parse/parse.ts');
    const input = parseCommandLine(command, found.words, flags, streams.env);
    return await runCommand(command, input, terminal);
  } catch (error) {
    // An abort surfaces in many shapes; the reason given to the signal is the one to report.
    const cause = terminal.signal.aborted && !(error instanceof MlopsError) ? terminal.signal.reason : error;
    return await reportError(cause, command, terminal, exitStatusOf(cause, command));
  } finally {
    terminal.clearProgress();
  }
}

/** Runs a command on a terminal that is shaped by what every command of its kind can be asked for. */
async function runCommand(command: Command, input: Input, whole: Terminal): Promise<number> {
  const terminal = await chosenJson(command, input, whole);
  if (command.stream === true && input.on('json')) return runStream(command, input, terminal);
  return runTable(command, input, terminal);
}

async function chosenJson(command: Command, input: Input, terminal: Terminal): Promise<Terminal> {
  const choice = hasJson(command) ? { fields: input.text('fields'), jq: input.text('jq') } : {};
  if (choice.fields !== undefined || choice.jq !== undefined) {
    const { withChosenJson } = await import('../session/chosen-json.ts');
    return withChosenJson(terminal, choice);
  }
  return terminal;
}

/** A line of JSON per event, the end and its exit status among them. */
async function runStream(command: Command, input: Input, terminal: Terminal): Promise<number> {
  const { errorEvent, eventStream } = await import('../session/event-stream.ts');
  const stream = eventStream(terminal, command);
  try {
    const status = (await command.run(input, stream)) ?? 0;
    stream.event({ event: 'end', status });
    return status;
  } catch (error) {
    stream.event(errorEvent(error));
    stream.event({ event: 'end', status: exitStatusOf(error, command) });
    throw error;
  }
}

async function runTable(command: Command, input: Input, terminal: Terminal): Promise<number> {
  const isTable =
    command.owner === 'mlops' && /(?:^| )(?:list|show|search|compare|history|explain)$/.test(command.name);
  if (!isTable || !terminal.stdoutIsTty || terminal.noPager) return (await command.run(input, terminal)) ?? 0;
  const { pagedOutput } = await import('../session/paged-output.ts');
  const paged = pagedOutput(terminal);
  try {
    return (await command.run(input, paged.terminal)) ?? 0;
  } finally {
    await paged.flush();
  }
}

function printVersion(streams: Streams): number {
  streams.stdout.write(`${streams.asDvc ? dvcVersion : version}\n`);
  return 0;
}

function isHelpWord(word: string | undefined): boolean {
  return word === 'help';
}

/** A command with the words left for its parser, or the word whose sub-commands should be shown. */
type Found = { command: Command; words: readonly string[] } | { help: Verb; unknown?: string };

async function findCommand(words: readonly string[]): Promise<Found> {
  const row = findRow(words[0] ?? '') ?? (await unknownVerb(words));
  const { verb } = await row.load();
  if ('run' in verb) return { command: verb, words: words.slice(1) };
  const rest = words.slice(1);
  const exact = verb.commands.filter((candidate) => startsWithWords(rest, candidate, verb.name) > 0);
  const commands =
    exact.length > 0
      ? exact
      : verb.commands.filter((candidate) => startsWithWords(rest, candidate, verb.name, true) > 0);
  const best = commands.sort((a, b) => b.name.length - a.name.length)[0];
  if (best !== undefined) return { command: best, words: rest.slice(startsWithWords(rest, best, verb.name, true)) };
  const bare = verb.commands.find((candidate) => candidate.name === verb.name);
  if (bare !== undefined) return { command: bare, words: rest };
  if (row.forwardsTo !== undefined && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const other = await findCommand([row.forwardsTo, ...rest]);
    if ('command' in other) return other;
  }
  return rest[0] === undefined || rest[0].startsWith('-') ? { help: verb } : { help: verb, unknown: rest[0] };
}

function findRow(word: string): VerbRow | undefined {
  return verbs.find((candidate) => candidate.name === word || candidate.aliases?.includes(word) === true);
}

/** @throws MlopsError that says what was meant, or what to do instead of what other tools have. */
async function unknownVerb(words: readonly string[]): Promise<never> {
  const { absentVerb } = await import('../parse/absent.ts');
  const word = words[0] ?? '';
  const absent = absentVerb(words);
  if (absent !== undefined) throw absent;
  const names = verbs.filter((candidate) => candidate.hidden !== true).map((candidate) => candidate.name);
  throw new MlopsError('usage', `there is no command '${word}'`, {
    hint: didYouMean(word, names) ?? 'see all commands with `mlops --help`',
  });
}

/** What other tools call the same act: taken for our own sub-commands where no command has that name. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  list: ['ls'],
  show: ['get', 'describe', 'info', 'view'],
  delete: ['rm', 'remove', 'del'],
  create: ['new', 'add'],
  rename: ['mv', 'move'],
  download: ['pull', 'fetch'],
};

/**
 * How many words of the line spell this sub-command (0 = another one); aliases replace the last word.
 * @param loosely synonyms do, too.
 */
function startsWithWords(words: readonly string[], command: Command, verb: string, loosely = false): number {
  const own = command.name.split(' ').slice(verb.split(' ').length);
  if (own.length === 0) return 0;
  const spelled = own.every((word, i) => {
    const given = words[i];
    if (given === word) return true;
    if (i < own.length - 1 || given === undefined) return false;
    if (command.aliases?.includes(given) === true) return true;
    return loosely && command.owner === 'mlops' && synonyms[word]?.includes(given) === true;
  });
  return spelled ? own.length : 0;
}

async function showHelp(flags: GlobalFlags, terminal: Terminal): Promise<number> {
  const topic = flags.words.slice(1);
  if (topic.length > 0) {
    const found = await findCommand(topic);
    return 'help' in found
      ? showVerbHelp(found, { ...flags, help: true }, terminal)
      : showCommandHelp(found.command, flags, terminal);
  }
  const { mainHelp, shortHelp } = await import('./help.ts');
  terminal.write(flags.help || flags.words.length > 0 ? mainHelp(terminal.style) : shortHelp(terminal.style));
  return 0;
}

async function showCommandHelp(command: Command, flags: GlobalFlags, terminal: Terminal): Promise<number> {
  const { commandHelp, commandShortHelp } = await import('./help.ts');
  terminal.write((flags.shortHelp ? commandShortHelp : commandHelp)(command, terminal.style));
  return 0;
}

async function showVerbHelp(
  found: { help: Verb; unknown?: string },
  flags: GlobalFlags,
  terminal: Terminal,
): Promise<number> {
  const { verbHelp } = await import('./help.ts');
  const { help: verb, unknown } = found;
  const commands = 'commands' in verb ? verb.commands : [verb];
  const status = commands[0]?.owner === 'dvc' ? 254 : 2;
  if (unknown !== undefined) {
    const { absentVerb } = await import('../parse/absent.ts');
    const absent = absentVerb([verb.name, unknown]);
    if (absent !== undefined) throw absent;
    const names = commands.map((command) => command.name.slice(verb.name.length + 1));
    throw new MlopsError('usage', `there is no command '${verb.name} ${unknown}'`, {
      hint: didYouMean(unknown, names) ?? `see \`mlops ${verb.name} --help\``,
      exit: status,
    });
  }
  terminal.write(verbHelp(verb, terminal.style));
  return flags.help ? 0 : status;
}
