import type { Command } from '../parse/command.ts';
import { allFlags } from '../parse/general-flags.ts';
import type { VerbRow } from '../parse/verb-row.ts';
import { valuesOf } from './completion-values.ts';

/** The script a user installs. It has no list of its own: it asks `mlops __complete`. */
export function completionScript(shell: string): string {
  if (shell === 'fish') return fishScript;
  if (shell === 'powershell') return powerShellScript;
  return shell === 'zsh' ? zshScript : bashScript;
}

const bashScript = `# mlops completion for bash
_mlops() {
  local IFS=$'\\n'
  COMPREPLY=( $(mlops __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
  if [ \${#COMPREPLY[@]} -eq 0 ]; then
    COMPREPLY=( $(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}") )
  fi
}
complete -o filenames -F _mlops mlops
`;

const zshScript = `#compdef mlops
_mlops() {
  local -a found
  found=("\${(@f)$(mlops __complete -- "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _mlops mlops
`;

const fishScript = `# mlops completion for fish
function __mlops_complete
    set -l words (commandline -opc) (commandline -ct)
    mlops __complete -- $words[2..-1] 2>/dev/null
end
complete -c mlops -a '(__mlops_complete)'
`;

const powerShellScript = `# mlops completion for PowerShell
Register-ArgumentCompleter -Native -CommandName mlops -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    if ($wordToComplete -eq '') { $words += '' }
    mlops __complete -- @words 2>$null | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
`;

/**
 * Candidates for the last word of a command line (given without `mlops`): verbs, sub-commands, flags, and
 * values that the project knows. Empty means: let the shell offer files.
 */
export async function candidates(
  verbs: readonly VerbRow[],
  words: readonly string[],
  around: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  if (before.length === 0) return startingWith(current, current.startsWith('-') ? everywhere : verbNames(verbs));
  const row = verbs.find(
    (candidate) => candidate.name === before[0] || candidate.aliases?.includes(before[0] ?? '') === true,
  );
  if (row === undefined) return [];
  const { verb } = await row.load();
  if ('run' in verb) return forCommand(verb, words, 1, around);
  const named = [row.name, ...before.slice(1)].join(' ');
  const command = verb.commands.find((candidate) => `${named} `.startsWith(`${candidate.name} `));
  if (command !== undefined) return forCommand(command, words, command.name.split(' ').length, around);
  const depth = before.length;
  const subs = verb.commands
    .filter((candidate) => candidate.name.startsWith(`${named} `) && candidate.hidden !== true)
    .map((candidate) => candidate.name.split(' ')[depth] ?? '');
  return startingWith(current, [...new Set(subs)]);
}

const everywhere = [
  '--help',
  '--version',
  '--quiet',
  '--verbose',
  '--cd',
  '--yes',
  '--no-input',
  '--no-pager',
  '--debug',
];

function verbNames(verbs: readonly VerbRow[]): string[] {
  return verbs.filter((row) => row.hidden !== true).map((row) => row.name);
}

/** @param nameLength how many words spell the command. */
async function forCommand(
  command: Command,
  words: readonly string[],
  nameLength: number,
  around: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<string[]> {
  const flags = allFlags(command);
  const current = words.at(-1) ?? '';
  const previous = words.at(-2);
  const args = argumentsIn(words.slice(0, -1), flags).slice(nameLength);
  const place = { ...around, before: args };
  const wanting = flags.find(
    (flag) => flag.value !== undefined && (previous === `--${flag.name}` || previous === `-${flag.short}`),
  );
  if (wanting !== undefined)
    return startingWith(current, wanting.choices ?? (await valuesOf(wanting.completes, place)));
  const assigned = /^--([\w-]+)=/.exec(current);
  if (assigned !== null) {
    const flag = flags.find(({ name }) => name === assigned[1]);
    const values = flag?.choices ?? (await valuesOf(flag?.completes, place));
    return startingWith(
      current,
      values.map((value) => `${assigned[0]}${value}`),
    );
  }
  if (current.startsWith('-')) {
    const shown = flags.filter((flag) => flag.hidden !== true || flag.name === 'fields' || flag.name === 'jq');
    return startingWith(
      current,
      shown.map((flag) => `--${flag.name}`),
    );
  }
  const specs = command.args ?? [];
  const last = specs.at(-1);
  const arg = specs[args.length] ?? (last?.variadic === true ? last : undefined);
  return startingWith(current, arg?.choices ?? (await valuesOf(arg?.completes, place)));
}

/** The words that are neither flags nor values of flags. */
function argumentsIn(words: readonly string[], flags: ReturnType<typeof allFlags>): string[] {
  const takesValue = (word: string | undefined): boolean =>
    flags.some((flag) => flag.value !== undefined && (word === `--${flag.name}` || word === `-${flag.short}`));
  return words.filter((word, i) => !word.startsWith('-') && !takesValue(words[i - 1]));
}

function startingWith(prefix: string, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(prefix));
}
