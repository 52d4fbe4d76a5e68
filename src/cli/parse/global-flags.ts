import type { TerminalFlags } from '../terminal/create-terminal.ts';

/** Flags that every command takes, read before the verb is known so that `--version` loads nothing. */
export interface GlobalFlags extends TerminalFlags {
  /** The words from the verb on, without the global flags. */
  readonly words: readonly string[];
  readonly help: boolean;
  /** It was asked for by `-h` alone: the short form. */
  readonly shortHelp: boolean;
  readonly version: boolean;
}

const switches: Readonly<Record<string, string>> = {
  '-h': 'help',
  '--help': 'help',
  '-q': 'quiet',
  '--quiet': 'quiet',
  '-v': 'verbose',
  '--verbose': 'verbose',
  '--debug': 'debug',
  '--no-color': 'noColor',
  '--yes': 'yes',
  '--no-input': 'noInput',
  '--no-pager': 'noPager',
};

/** Those that stand before the verb only: after it, the verb may have a flag of that name. */
const leading: Readonly<Record<string, string>> = {
  '-V': 'version',
  '--version': 'version',
  '--wait-for-lock': 'waitForLock',
};

/**
 * Verbs whose tail is a command of the user's: from its first word on every word is its own, `-v` and `--help` too.
 * With the flags of ours before it that take a value.
 */
const tails: Readonly<Record<string, ReadonlySet<string>>> = {
  run: new Set(['--experiment', '--name', '--tag']),
  'stage add': new Set(
    (
      '-n --name -d --deps -p --params -o --outs -O --outs-no-cache --outs-persist --outs-persist-no-cache ' +
      '-m --metrics -M --metrics-no-cache --plots --plots-no-cache -w --wdir --desc'
    ).split(' '),
  ),
};

/** Whether the next word is the first one of the user's command, given the words of ours before it. */
function beginsTail(words: readonly string[], next: string): boolean {
  const verb = tails[words[0] ?? ''] === undefined ? words.slice(0, 2).join(' ') : (words[0] ?? '');
  const withValue = tails[verb];
  if (withValue === undefined || next.startsWith('-')) return false;
  return words.length >= verb.split(' ').length && !withValue.has(words.at(-1) ?? '');
}

/**
 * Takes the global flags out of a command line. `-h`, `-q`, `-v`, `--yes`, `--no-input`, `--debug` and colour may stand anywhere
 * before a bare `--`. What the line does not say, the environment may: `MLOPS_QUIET`, `MLOPS_VERBOSE`, `MLOPS_YES`,
 * `MLOPS_NO_INPUT`, `MLOPS_NO_PAGER`, `MLOPS_DEBUG`, `MLOPS_CD`.
 */
export function readGlobalFlags(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): GlobalFlags {
  const words: string[] = [];
  const seen = new Map<string, number>();
  let longHelp = false;
  let cd: string | undefined;
  let color: GlobalFlags['color'] = 'auto';
  const note = (name: string, times = 1): void => void seen.set(name, (seen.get(name) ?? 0) + times);
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--' || beginsTail(words, word)) {
      words.push(...argv.slice(i));
      break;
    }
    const before = words.length === 0;
    const name = switches[word] ?? (before ? leading[word] : undefined);
    if (word === '--help') longHelp = true;
    // DVC has this one as a flag of its table of experiments.
    if (word === '--no-pager' && words[0]?.startsWith('exp') === true) words.push(word);
    if (name !== undefined && !(word === '-h' && takesHost(words))) note(name);
    else if (/^-(q|v)+$/.test(word)) note(word.includes('v') ? 'verbose' : 'quiet', word.length - 1);
    else if (word === '--cd' && before) cd = argv[++i];
    else if (word.startsWith('--cd=') && before) cd = word.slice(5);
    else if (word.startsWith('--color=')) color = colorOf(word.slice(8));
    else words.push(word);
  }
  const on = (name: string, variable: string): boolean => seen.has(name) || timesIn(env, variable) > 0;
  const quiet = seen.has('quiet') || (!seen.has('verbose') && timesIn(env, 'MLOPS_QUIET') > 0);
  return {
    words,
    help: seen.has('help'),
    shortHelp: seen.has('help') && !longHelp,
    version: seen.has('version'),
    quiet,
    verbosity: seen.get('verbose') ?? (quiet ? 0 : timesIn(env, 'MLOPS_VERBOSE')),
    cd: cd ?? (env['MLOPS_CD'] === '' ? undefined : env['MLOPS_CD']),
    color: seen.has('noColor') ? 'never' : color,
    yes: on('yes', 'MLOPS_YES'),
    noInput: on('noInput', 'MLOPS_NO_INPUT'),
    noPager: on('noPager', 'MLOPS_NO_PAGER'),
    waitForLock: seen.has('waitForLock'),
    debug: on('debug', 'MLOPS_DEBUG'),
  };
}

/** MLflow's servers spell the host `-h`; there only `--help` asks for help. */
function takesHost([verb, second]: readonly string[]): boolean {
  return verb === 'server' || verb === 'ui' || (/^models?$/.test(verb ?? '') && second === 'serve');
}

/** What a variable says about a switch or, in digits, how often. */
function timesIn(env: Readonly<Record<string, string | undefined>>, name: string): number {
  const text = (env[name] ?? '').toLowerCase();
  if (/^\d$/.test(text)) return Number(text);
  return ['', 'false', 'no', 'off'].includes(text) ? 0 : 1;
}

function colorOf(value: string): GlobalFlags['color'] {
  return value === 'always' || value === 'never' ? value : 'auto';
}
