import { completionScript } from '../session/completion.ts';
import type { Verb } from '../parse/command.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'];

export const verb: Verb = {
  name: 'completion',
  owner: 'mlops',
  summary: 'Print a shell completion script',
  description:
    'The script asks mlops itself at each Tab, so stages, targets, remotes, params, revisions, runs, models and their versions are offered too.',
  examples: [
    ['mlops completion bash > ~/.local/share/bash-completion/completions/mlops', 'for bash'],
    ['mlops completion zsh > "${fpath[1]}/_mlops"', 'for zsh'],
    ['mlops completion fish > ~/.config/fish/completions/mlops.fish', 'for fish'],
    ['mlops completion powershell >> $PROFILE', 'for PowerShell'],
  ],
  args: [{ name: 'shell', optional: true, summary: 'bash, zsh, fish or powershell', choices: shells }],
  flags: [
    {
      name: 'shell',
      short: 's',
      value: 'SHELL',
      summary: "as DVC spells it: the shell's name",
      choices: shells,
    },
  ],
  run(input, terminal) {
    terminal.write(completionScript(input.text('shell') ?? input.args[0] ?? 'bash'));
  },
};
