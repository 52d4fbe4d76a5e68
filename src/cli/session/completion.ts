import * as fs from 'node:fs';

import { errorCodes } from '../../base/index.ts';
import type { Command, Completes } from '../parse/command.ts';
import type { VerbRow } from '../parse/verb-row.ts';

/** The script a user installs. It has no list of its own: it asks `mlops __complete`. */
export function completionScript(shell: string): string {
  if (shell === 'fish') return fishScript;
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

/**
 * Candidates for the last word of a command line (given without `mlops`): verbs, sub-commands, flags, and
 * values that the project knows. Empty means: let the shell offer files.
 */
export async function candidates(verbs: readonly VerbRow[], words: readonly string[], cwd: string): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  if (before.length === 0) return startingWith(current, verbNames(verbs));
  const row = verbs.find(
    (candidate) => candidate.name === before[0] || candidate.aliases?.includes(before[0] ?? '') === true,
  );
  if (row === undefined) return [];
  const { verb } = await row.load();
  if ('run' in verb) return forCommand(verb, words, current, cwd);
  const command = verb.commands.find((candidate) => `${before.join(' ')} `.startsWith(`${candidate.name} `));
  if (command !== undefined) return forCommand(command, words, current, cwd);
  const depth = before.length;
  const prefix = `${before.join(' ')} `;
  const subs = verb.commands
    .filter((candidate) => candidate.name.startsWith(prefix))
    .map((candidate) => candidate.name.split(' ')[depth] ?? '');
  return startingWith(current, [...new Set(subs)]);
}

function verbNames(verbs: readonly VerbRow[]): string[] {
  return verbs.filter((row) => row.hidden !== true).map((row) => row.name);
}

async function forCommand(command: Command, words: readonly string[], current: string, cwd: string): Promise<string[]> {
  const flags = (command.flags ?? []).filter((flag) => flag.hidden !== true);
  const previous = words.at(-2);
  const wanting = flags.find(
    (flag) => flag.value !== undefined && (previous === `--${flag.name}` || previous === `-${flag.short}`),
  );
  if (wanting !== undefined) return startingWith(current, wanting.choices ?? (await valuesOf(wanting.completes, cwd)));
  if (current.startsWith('-'))
    return startingWith(
      current,
      flags.map((flag) => `--${flag.name}`),
    );
  const arg = command.args?.[0];
  return startingWith(current, arg?.choices ?? (await valuesOf(arg?.completes, cwd)));
}

/** Values read cheaply from the project's own files; whatever cannot be read offers nothing. */
async function valuesOf(kind: Completes | undefined, cwd: string): Promise<readonly string[]> {
  if (kind === 'stage' || kind === 'target') return stageNames(`${cwd}/dvc.yaml`);
  if (kind === 'topic') return (await import('./docs-topics.ts')).docsTopics.map(({ name }) => name);
  if (kind === 'error') return Object.keys(errorCodes);
  if (kind === 'remote')
    return [...read(`${cwd}/.dvc/config`).matchAll(/\['?remote "([^"]+)"'?\]/g)].map((match) => match[1] ?? '');
  return [];
}

function stageNames(file: string): string[] {
  const body = read(file).split(/^stages:[^\n]*\n/m)[1] ?? '';
  const end = body.search(/^\S/m);
  const block = end < 0 ? body : body.slice(0, end);
  const indent = /^( +)\S/m.exec(block)?.[1] ?? '  ';
  return [...block.matchAll(new RegExp(`^${indent}([^\\s#:][^:\\n]*):`, 'gm'))].map((match) => match[1] ?? '');
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function startingWith(prefix: string, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(prefix));
}
